# What the host has of the commands, the groups and the endpoint. Reads only.
[CmdletBinding()]
param (
    [Parameter(Mandatory)]
    [String]
    $Name,

    [String[]]
    $Command,

    [String[]]
    $Group,

    [String]
    $Pattern,

    # The session configuration file that the role writes, below the folder of modules.
    [String]
    $File
)

$Ansible.Changed = $false

try {
    $null = New-Object -TypeName System.Text.RegularExpressions.Regex -ArgumentList $Pattern
}
catch {
    throw "session_endpoint_session_host_pattern is no regular expression of .NET: $($_.Exception.Message)"
}

$commands = @{}
foreach ($wanted in $Command) {
    $found = Get-Command -Name $wanted -CommandType @('Cmdlet', 'Function') -ErrorAction SilentlyContinue |
        Select-Object -First 1
    if ($found) {
        $commands[$wanted] = @($found.Parameters.Keys)
    }
}

$unknown = @(
    foreach ($account in $Group) {
        try {
            $known = New-Object -TypeName System.Security.Principal.NTAccount -ArgumentList $account
            $null = $known.Translate([System.Security.Principal.SecurityIdentifier])
        }
        catch {
            $account
        }
    }
)

$modules = Join-Path -Path $env:ProgramFiles -ChildPath 'WindowsPowerShell\Modules'

# Registration has copied the session configuration file; that copy is what counts.
$endpoint = Get-PSSessionConfiguration -Name $Name -ErrorAction SilentlyContinue
$hashes = @(
    foreach ($path in @((Join-Path -Path $modules -ChildPath $File), $endpoint.ConfigFilePath)) {
        if ($path -and (Test-Path -LiteralPath $path -PathType Leaf)) {
            (Get-FileHash -LiteralPath $path -Algorithm SHA256).Hash
        }
    }
)

$Ansible.Result = @{
    modules = $modules
    commands = $commands
    unknown_groups = $unknown
    registered = [bool]$endpoint
    enabled = [bool]$endpoint -and "$($endpoint.Enabled)" -ne 'False'
    same_file = $hashes.Count -eq 2 -and $hashes[0] -eq $hashes[1]
}
