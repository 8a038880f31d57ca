# Without SupportsShouldProcess, so that check mode skips it.
[CmdletBinding()]
param (
    [Parameter(Mandatory)]
    [String]
    $Name,

    [Parameter(Mandatory)]
    [String]
    $Path
)

# Registering over an endpoint can delete the copy of the new file together with that of the old one.
if (Get-PSSessionConfiguration -Name $Name -ErrorAction SilentlyContinue) {
    Unregister-PSSessionConfiguration -Name $Name -Force -NoServiceRestart
}

# An error record here, such as a group that cannot be resolved, would leave the endpoint open to the default groups.
$null = Register-PSSessionConfiguration -Name $Name -Path $Path -Force -NoServiceRestart -ErrorAction Stop
