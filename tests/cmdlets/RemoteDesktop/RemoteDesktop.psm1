# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Stand-ins for the functions of the module RemoteDesktop, with their names, parameters, types and ways to fail.

function Write-FarmAnswer {
    # Ask the farm, and write what it answers. Errors have plain texts and no ids of their own, as those of Windows.
    param ([string] $Command, [hashtable] $Given, [type] $Type)

    $items = [RemoteDesktopSessions.Lab.Farm]::Call($Command, $Given, '', $false)
    if ($items.Count -eq 1 -and $items[0].Kind -eq 'wait') {
        $until = [datetime]::MaxValue
        if ($items[0].Seconds -ge 0) {
            $until = [datetime]::UtcNow.AddSeconds($items[0].Seconds)
        }
        while ([datetime]::UtcNow -lt $until) {
            Start-Sleep -Milliseconds 50
        }
        $items = [RemoteDesktopSessions.Lab.Farm]::Call($Command, $Given, '', $true)
    }
    foreach ($item in $items) {
        switch ($item.Kind) {
            'row' {
                $row = $item.Fill((New-Object -TypeName $Type))
                $null = $row.PSObject.TypeNames.Remove('Microsoft.RemoteDesktopServices.Management.ServerRow')
                $row
            }
            'warning' { Write-Warning -Message $item.Text('message') }
            default { Write-Error -Message $item.Text('message') }
        }
    }
}

function Select-Given {
    # The parameters of a call, without those that every command has.
    param ([System.Collections.IDictionary] $Bound, [string[]] $Name)

    $given = @{}
    foreach ($one in $Name) {
        if ($Bound.ContainsKey($one)) {
            $given[$one] = $Bound[$one]
        }
    }
    return $given
}

function Get-RDUserSession {
    [CmdletBinding()]
    param (
        [Parameter(Position = 0, ValueFromPipelineByPropertyName)] [string[]] $CollectionName,
        [Parameter(Position = 1)] [string] $ConnectionBroker
    )

    process {
        $given = Select-Given $PSBoundParameters -Name CollectionName, ConnectionBroker
        Write-FarmAnswer Get-RDUserSession -Given $given -Type Microsoft.RemoteDesktopServices.Management.RDUserSession
    }
}

function Get-RDServer {
    [CmdletBinding()]
    param (
        [Parameter(Position = 0)] [string] $ConnectionBroker,
        [Parameter(Position = 1)] [string[]] $Role
    )

    $given = Select-Given $PSBoundParameters -Name ConnectionBroker, Role
    Write-FarmAnswer Get-RDServer -Given $given -Type Microsoft.RemoteDesktopServices.Management.Server
}

function Invoke-RDUserLogoff {
    [CmdletBinding()]
    param (
        [Parameter(Mandatory, Position = 0, ValueFromPipelineByPropertyName)] [string] $HostServer,
        [Parameter(Mandatory, Position = 1, ValueFromPipelineByPropertyName)] [int] $UnifiedSessionID,
        [switch] $Force
    )

    process {
        if ($Force -or $PSCmdlet.ShouldContinue('Log off?', 'Confirm')) {
            $given = Select-Given $PSBoundParameters -Name HostServer, UnifiedSessionID
            $given['Force'] = $true
            Write-FarmAnswer Invoke-RDUserLogoff -Given $given
        }
    }
}

function Disconnect-RDUser {
    [CmdletBinding()]
    param (
        [Parameter(Mandatory, Position = 0, ValueFromPipelineByPropertyName)] [string] $HostServer,
        [Parameter(Mandatory, Position = 1, ValueFromPipelineByPropertyName)] [int] $UnifiedSessionID,
        [switch] $Force
    )

    process {
        if ($Force -or $PSCmdlet.ShouldContinue('Disconnect?', 'Confirm')) {
            $given = Select-Given $PSBoundParameters -Name HostServer, UnifiedSessionID
            $given['Force'] = $true
            Write-FarmAnswer Disconnect-RDUser -Given $given
        }
    }
}

function Send-RDUserMessage {
    # It asks nothing, so there is no Force.
    [CmdletBinding()]
    param (
        [Parameter(Mandatory, Position = 0, ValueFromPipelineByPropertyName)] [string] $HostServer,
        [Parameter(Mandatory, Position = 1, ValueFromPipelineByPropertyName)] [int] $UnifiedSessionID,
        [Parameter(Mandatory, Position = 2)] [string] $MessageTitle,
        [Parameter(Mandatory, Position = 3)] [string] $MessageBody
    )

    process {
        $given = Select-Given $PSBoundParameters -Name HostServer, UnifiedSessionID, MessageTitle, MessageBody
        Write-FarmAnswer Send-RDUserMessage -Given $given
    }
}

function Get-RDSessionCollection {
    [CmdletBinding()]
    param (
        [Parameter(Position = 0)] [string] $CollectionName,
        [Parameter(Position = 1)] [string] $ConnectionBroker
    )

    $given = Select-Given $PSBoundParameters -Name CollectionName, ConnectionBroker
    $type = 'Microsoft.RemoteDesktopServices.Management.RDSessionCollection'
    Write-FarmAnswer Get-RDSessionCollection -Given $given -Type $type
}

function Get-RDSessionHost {
    [CmdletBinding()]
    param (
        [Parameter(Mandatory, Position = 0)] [string] $CollectionName,
        [Parameter(Position = 1)] [string] $ConnectionBroker
    )

    $given = Select-Given $PSBoundParameters -Name CollectionName, ConnectionBroker
    Write-FarmAnswer Get-RDSessionHost -Given $given -Type Microsoft.RemoteDesktopServices.Management.RDServer
}

function Set-RDSessionHost {
    [CmdletBinding(PositionalBinding = $false)]
    param (
        [Parameter(Mandatory, Position = 0)] [string[]] $SessionHost,
        [Parameter(Mandatory, Position = 1)]
        [Microsoft.RemoteDesktopServices.Management.RDServerNewConnectionAllowed] $NewConnectionAllowed,
        [string] $ConnectionBroker
    )

    $given = Select-Given $PSBoundParameters -Name SessionHost, NewConnectionAllowed, ConnectionBroker
    Write-FarmAnswer Set-RDSessionHost -Given $given
}

$functions = @(
    'Get-RDUserSession', 'Get-RDServer', 'Invoke-RDUserLogoff', 'Disconnect-RDUser', 'Send-RDUserMessage'
    'Get-RDSessionCollection', 'Get-RDSessionHost', 'Set-RDSessionHost'
)
Export-ModuleMember -Function $functions
