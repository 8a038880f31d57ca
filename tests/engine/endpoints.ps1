# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Opens the sessions of session configuration files in this process and calls commands in them, as endpoints.py asks:
# a request is a line of JSON on standard input, an answer a line of JSON on standard output.

[CmdletBinding()]
param ()

$ErrorActionPreference = 'Stop'
$firstModulePath = $env:PSModulePath
$runspaces = @{}

function Set-Environment {
    param ([hashtable] $Variable)

    foreach ($name in $Variable.Keys) {
        [System.Environment]::SetEnvironmentVariable($name, $Variable[$name])
    }
    $env:PSModulePath = $env:PSModulePath + [System.IO.Path]::PathSeparator + $firstModulePath
}

function Get-Inspection {
    # What the role's own script finds on this host. Nothing but Windows has the command that it asks for endpoints.
    param ([string] $Script, [hashtable] $Given)

    $fresh = [powershell]::Create()
    try {
        $text = [System.IO.File]::ReadAllText($Script)
        $null = $fresh.AddScript("`$Ansible = @{}; function Get-PSSessionConfiguration { }").Invoke()
        $fresh.Commands.Clear()
        $null = $fresh.AddScript($text).AddParameters($Given).Invoke()
        return $fresh.Runspace.SessionStateProxy.GetVariable('Ansible')['Result']
    }
    finally {
        $fresh.Dispose()
    }
}

function Open-Session {
    # Return the session, and the groups of one of which its user must be a member.
    param ([string] $Path, [bool] $Member)

    $groups = New-Object -TypeName System.Collections.Generic.List[string]
    $isMember = [Func[string, bool]] { param ($group) $groups.Add($group); $Member }.GetNewClosure()
    $state = [initialsessionstate]::CreateFromSessionConfigurationFile($Path, $isMember, $false)
    $runspace = [runspacefactory]::CreateRunspace($state)
    $runspace.Open()
    return @{ groups = $groups; runspace = $runspace }
}

function Invoke-Pipeline {
    # Run one pipeline; say what it wrote, and the id of each error, the one that ended it last.
    param ([System.Management.Automation.Runspaces.Runspace] $Runspace, [hashtable] $Request)

    $pipeline = [powershell]::Create()
    $pipeline.Runspace = $Runspace
    if ($Request.ContainsKey('script')) {
        $null = $pipeline.AddScript($Request['script'])
    }
    foreach ($call in $Request['calls']) {
        $null = $pipeline.AddCommand($call['command'])
        foreach ($name in $call['parameters'].Keys) {
            $null = $pipeline.AddParameter($name, (ConvertTo-Argument $call['parameters'][$name]))
        }
    }
    $output = @()
    $end = @()
    [cultureinfo]::CurrentCulture = $Request['culture']
    try {
        $output = @($pipeline.Invoke() | ForEach-Object -Process { ConvertTo-Plain $_ })
    }
    catch {
        $end = @(Get-ErrorId $_.Exception.InnerException.ErrorRecord)
    }
    $errors = @($pipeline.Streams.Error | ForEach-Object -Process { Get-ErrorId $_ }) + $end
    $pipeline.Dispose()
    return @{ output = $output; errors = $errors }
}

function Get-ErrorId {
    # Behind the comma is the command, which a role gives a random name.
    param ([System.Management.Automation.ErrorRecord] $Record)

    return ($Record.FullyQualifiedErrorId -split ',')[0]
}

function ConvertTo-Argument {
    param ($Value)

    if ($Value -is [hashtable]) {
        $secret = New-Object -TypeName System.Net.NetworkCredential -ArgumentList '', $Value['password']
        return New-Object -TypeName pscredential -ArgumentList $Value['user_name'], $secret.SecurePassword
    }
    # The comma keeps a list of one.
    return , $Value
}

function ConvertTo-Plain {
    # A command as its name and parameters, any other object as its properties' texts.
    param ($Value)

    if ($Value -is [System.Management.Automation.CommandInfo]) {
        return @{ name = $Value.Name; parameters = @($Value.Parameters.Keys) }
    }
    $plain = @{}
    foreach ($property in $Value.PSObject.Properties) {
        $plain[$property.Name] = "$($property.Value)"
    }
    return $plain
}

while ($null -ne ($line = [Console]::In.ReadLine())) {
    $request = ConvertFrom-Json -InputObject $line -AsHashtable
    try {
        $answer = switch ($request['do']) {
            'environment' { Set-Environment $request['variables'] }
            'inspect' { Get-Inspection $request['script'] -Given $request['parameters'] }
            'read' { Import-PowerShellDataFile -LiteralPath $request['path'] }
            'open' {
                $opened = Open-Session $request['path'] -Member $request['member']
                $runspaces[$request['path']] = $opened['runspace']
                @{ groups = $opened['groups'] }
            }
            'call' { Invoke-Pipeline $runspaces[$request['session']] -Request $request }
            'common' { , @([System.Management.Automation.Cmdlet]::CommonParameters) }
        }
        $reply = @{ answer = $answer }
    }
    catch {
        $reply = @{ error = "$($_.Exception.Message)`n$($_.ScriptStackTrace)" }
    }
    [Console]::Out.WriteLine((ConvertTo-Json -InputObject $reply -Depth 8 -Compress -EscapeHandling EscapeNonAscii))
}
