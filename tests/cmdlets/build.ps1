# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Compiles the stand-ins, and lays them out as module folders below $Directory:
#
#   RemoteDesktop/RemoteDesktop   MultiPoint-2012R2/MultiPoint   MultiPoint-2016/MultiPoint
#   Microsoft.RDInfra.RDPowerShell/Microsoft.RDInfra.RDPowerShell
#
# The first level is what a host's PSModulePath names. For Windows PowerShell 5.1 and PowerShell 7.

[CmdletBinding()]
param ([Parameter(Mandatory)] [string] $Directory)

$ErrorActionPreference = 'Stop'

function Join-Place {
    param ([string[]] $Part)

    return [System.IO.Path]::Combine($Part)
}

function New-Module {
    # A module folder with a manifest. Types that a session without language must know come from RequiredAssemblies.
    param ([string] $Place, [string] $Name, [string[]] $Source, [string[]] $Symbol, [hashtable] $Manifest)

    $folder = Join-Place $Directory, $Place, $Name
    $null = New-Item -ItemType Directory -Path $folder -Force
    $assembly = "$($Place -replace '\W', '').dll"
    $code = @(foreach ($one in @('Farm.cs') + $Source) {
            [System.IO.File]::ReadAllText((Join-Place $PSScriptRoot, $one))
        })
    # One text, so all imports must stand at its beginning.
    $imports = @($code | ForEach-Object { [regex]::Matches($_, '(?m)^using [\w.]+;') } | ForEach-Object { $_.Value } | Select-Object -Unique)
    $bodies = $code | ForEach-Object { [regex]::Replace($_, '(?m)^using [\w.]+;', '') }
    $text = (@($Symbol | Where-Object { $_ } | ForEach-Object { "#define $_" }) + $imports + $bodies) -join "`n"
    $options = @{}
    if ($PSVersionTable.PSVersion.Major -lt 6) {
        $options['ReferencedAssemblies'] = 'System', 'System.Core', 'System.Xml', 'System.Xml.Linq', 'System.Runtime.Serialization'
    }
    Add-Type -TypeDefinition $text -OutputAssembly (Join-Place $folder, $assembly) -OutputType Library -IgnoreWarnings -WarningAction SilentlyContinue @options
    New-ModuleManifest -Path (Join-Place $folder, "$Name.psd1") -RequiredAssemblies $assembly -ModuleVersion 2.0.0.0 -AliasesToExport @() @Manifest
    return $folder
}

$functions = @(
    'Get-RDUserSession', 'Get-RDServer', 'Invoke-RDUserLogoff', 'Disconnect-RDUser', 'Send-RDUserMessage'
    'Get-RDSessionCollection', 'Get-RDSessionHost', 'Set-RDSessionHost'
)
$folder = New-Module RemoteDesktop RemoteDesktop -Source RemoteDesktop/RemoteDesktop.cs -Manifest @{
    RootModule = 'RemoteDesktop.psm1'
    FunctionsToExport = $functions
    CmdletsToExport = @()
}
Copy-Item -Path (Join-Place $PSScriptRoot, RemoteDesktop, RemoteDesktop.psm1) -Destination $folder

foreach ($generation in '2012R2', '2016') {
    $null = New-Module "MultiPoint-$generation" MultiPoint -Source MultiPoint/MultiPoint.cs -Symbol "GENERATION_$generation" -Manifest @{
        RootModule = "MultiPoint$generation.dll"
        FunctionsToExport = @()
        CmdletsToExport = 'Get-WmsSession', 'Close-WmsSession', 'Disconnect-WmsSession'
    }
}

$null = New-Module Microsoft.RDInfra.RDPowerShell Microsoft.RDInfra.RDPowerShell -Source Microsoft.RDInfra.RDPowerShell/RDPowerShell.cs -Manifest @{
    RootModule = 'MicrosoftRDInfraRDPowerShell.dll'
    FunctionsToExport = @()
    CmdletsToExport = 'Add-RdsAccount', 'Get-RdsUserSession', 'Invoke-RdsUserSessionLogoff', 'Disconnect-RdsUserSession'
}
