# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Runs scripts as ansible.windows.win_powershell does: each in a PowerShell instance and a runspace of its own, as a text
# with parameters. Every line of standard input is the JSON of one run (driver.py writes it), every line of standard
# output that of its result. ASCII on both ways. For Windows PowerShell 5.1 and PowerShell 7.

[CmdletBinding()]
param ()

$ErrorActionPreference = 'Stop'

$modulePath = $env:PSModulePath
$timeZone = $env:TZ
$culture = [System.Globalization.CultureInfo]::CurrentCulture

# Windows PowerShell leaves dates as the texts that they are; PowerShell 7 does so when it is told to.
$asText = @{}
if ((Get-Command -Name ConvertFrom-Json).Parameters.ContainsKey('DateKind')) {
    $asText['DateKind'] = 'String'
}
elseif ($PSVersionTable.PSVersion.Major -gt 5) {
    throw 'This needs Windows PowerShell 5.1, or PowerShell 7.5 or newer.'
}

function ConvertTo-Argument {
    # Hashtables instead of objects, as Ansible does it.
    param ([object] $Value)

    if ($Value -is [System.Management.Automation.PSCustomObject]) {
        $members = @{}
        foreach ($property in $Value.PSObject.Properties) {
            $members[$property.Name] = ConvertTo-Argument $property.Value
        }
        return $members
    }
    if ($Value -is [array]) {
        # The comma keeps lists of one item, and of none.
        return , @(foreach ($item in $Value) { ConvertTo-Argument $item })
    }
    return $Value
}

function Set-Place {
    # What the script finds around it. An empty culture or time zone is that of the process.
    param ([hashtable] $Environment, [string] $Culture, [string] $TimeZone)

    $env:PSModulePath = $script:modulePath
    foreach ($name in $Environment.Keys) {
        $value = $Environment[$name]
        if ($name -eq 'PSModulePath') {
            $value += [System.IO.Path]::PathSeparator + $script:modulePath
        }
        [System.Environment]::SetEnvironmentVariable($name, $value)
    }
    $chosen = $script:culture
    if ($Culture) {
        $chosen = [System.Globalization.CultureInfo]::GetCultureInfo($Culture)
    }
    [System.Globalization.CultureInfo]::DefaultThreadCurrentCulture = $chosen
    [System.Threading.Thread]::CurrentThread.CurrentCulture = $chosen
    $wanted = $script:timeZone
    if ($TimeZone) {
        $wanted = $TimeZone
    }
    # Only elsewhere than on Windows does a process choose its time zone.
    [System.Environment]::SetEnvironmentVariable('TZ', $wanted)
    [System.TimeZoneInfo]::ClearCachedData()
}

function Test-CheckModeSupport {
    param ([string] $Text)

    $tokens = $null
    $errors = $null
    $parsed = [System.Management.Automation.Language.Parser]::ParseInput($Text, [ref] $tokens, [ref] $errors)
    $binding = $parsed.ParamBlock.Attributes | Where-Object { $_.TypeName.Name -eq 'CmdletBinding' }
    return [bool] ($binding.NamedArguments | Where-Object { $_.ArgumentName -eq 'SupportsShouldProcess' })
}

function Invoke-Script {
    param ([hashtable] $Request)

    $text = [System.IO.File]::ReadAllText($Request['script'], [System.Text.Encoding]::UTF8)
    $given = @{}
    foreach ($name in $Request['parameters'].Keys) {
        $given[$name] = $Request['parameters'][$name]
    }
    foreach ($name in $Request['secrets'].Keys) {
        $secret = $Request['secrets'][$name]
        $password = (New-Object -TypeName System.Net.NetworkCredential -ArgumentList '', $secret['password']).SecurePassword
        $given[$name] = New-Object -TypeName System.Management.Automation.PSCredential -ArgumentList $secret['username'], $password
    }
    if (Test-CheckModeSupport $text) {
        $given['Confirm'] = $false
        $given['WhatIf'] = $Request['check_mode']
    }
    elseif ($Request['check_mode']) {
        throw 'The script does not run in check mode.'
    }

    $runspace = [System.Management.Automation.Runspaces.RunspaceFactory]::CreateRunspace(
        [System.Management.Automation.Runspaces.InitialSessionState]::CreateDefault2()
    )
    $runspace.Open()
    $shell = [System.Management.Automation.PowerShell]::Create()
    $shell.Runspace = $runspace
    $output = New-Object -TypeName 'System.Collections.Generic.List[object]'
    $failed = $false
    try {
        $shell.AddScript($text).AddParameters($given).Invoke(@(), $output)
    }
    catch [System.Management.Automation.RuntimeException] {
        $failed = $true
        $shell.Streams.Error.Add($_.Exception.GetBaseException().ErrorRecord)
    }
    finally {
        $runspace.Dispose()
    }
    return @{
        failed = $failed
        output = @(foreach ($item in $output) { [string] $item })
        errors = @(foreach ($record in $shell.Streams.Error) { [string] $record })
    }
}

while ($null -ne ($line = [Console]::In.ReadLine())) {
    try {
        $request = ConvertTo-Argument (ConvertFrom-Json -InputObject $line @asText)
        if ($request['dates']) {
            # As Ansible reads it: PowerShell 7 finds dates in texts.
            $request = ConvertTo-Argument (ConvertFrom-Json -InputObject $line)
        }
        Set-Place $request['environment'] -Culture $request['culture'] -TimeZone $request['time_zone']
        $result = Invoke-Script $request
    }
    catch {
        $result = @{ driver = "$_`n$($_.ScriptStackTrace)" }
    }
    $json = ConvertTo-Json -InputObject $result -Compress
    $json = '{"run":' + $request['run'] + ',' + $json.Substring(1)
    [Console]::Out.WriteLine([regex]::Replace($json, '[^ -~]', { '\u{0:x4}' -f [int] [char] $args[0].Value }))
}
