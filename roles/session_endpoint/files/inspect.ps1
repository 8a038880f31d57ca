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
    $Pattern
)

$Ansible.Changed = $false

try {
    $null = [Regex]::new($Pattern)
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
            $null = [Security.Principal.NTAccount]::new($account).Translate([Security.Principal.SecurityIdentifier])
        }
        catch {
            $account
        }
    }
)

# Registration has copied the session configuration file; this is the copy that counts.
$endpoint = Get-PSSessionConfiguration -Name $Name -ErrorAction SilentlyContinue
$checksum = ''
if ($endpoint.ConfigFilePath -and (Test-Path -LiteralPath $endpoint.ConfigFilePath)) {
    $checksum = (Get-FileHash -LiteralPath $endpoint.ConfigFilePath -Algorithm SHA1).Hash.ToLowerInvariant()
}

$Ansible.Result = @{
    modules = Join-Path -Path $env:ProgramFiles -ChildPath 'WindowsPowerShell\Modules'
    commands = $commands
    unknown_groups = $unknown
    registered = [bool]$endpoint
    enabled = [bool]$endpoint -and "$($endpoint.Enabled)" -ne 'False'
    checksum = $checksum
}
