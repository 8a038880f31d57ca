# Without SupportsShouldProcess, so that check mode skips it.
[CmdletBinding()]
param (
    [Parameter(Mandatory)]
    [String]
    $Name
)

Unregister-PSSessionConfiguration -Name $Name -Force -NoServiceRestart -ErrorAction Stop
