# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# What PowerShell's own parser finds in files, as one JSON text: a list with an object for each of them.

[CmdletBinding()]
param ([string[]] $Path)

function Select-Once {
    # Each text once, without $null.
    param ([object[]] $Text)

    $Text | Where-Object { $null -ne $_ } | ForEach-Object { [string] $_ } | Sort-Object -Unique -CaseSensitive
}

$described = foreach ($one in $Path) {
    $tokens = $null
    $errors = $null
    $parsed = [System.Management.Automation.Language.Parser]::ParseFile($one, [ref] $tokens, [ref] $errors)
    $nodes = @($parsed.FindAll({ $true }, $true))
    $commands = @($nodes | Where-Object { $_ -is [System.Management.Automation.Language.CommandAst] })
    $members = @($nodes | Where-Object { $_ -is [System.Management.Automation.Language.MemberExpressionAst] })
    $calls = @($members | Where-Object { $_ -is [System.Management.Automation.Language.InvokeMemberExpressionAst] })
    $functions = @($nodes | Where-Object { $_ -is [System.Management.Automation.Language.FunctionDefinitionAst] })
    $parameters = @{}
    foreach ($parameter in $parsed.ParamBlock.Parameters) {
        $parameters[$parameter.Name.VariablePath.UserPath] = $parameter.DefaultValue.Extent.Text
    }
    @{
        errors = [string[]] @($errors | ForEach-Object { "$($_.Extent.StartLineNumber): $($_.Message)" })
        tokens = [string[]] @(Select-Once $tokens.Kind)
        functions = [string[]] @(Select-Once $functions.Name)
        # Those that are not named by a word have none.
        commands = [string[]] @($commands | ForEach-Object { $_.GetCommandName() })
        operators = [string[]] @(Select-Once $commands.InvocationOperator)
        types = [string[]] @(Select-Once ($nodes | ForEach-Object { $_.TypeName.FullName }))
        members = [string[]] @(Select-Once ($members | ForEach-Object { $_.Member.Value }))
        unnamed_calls = @($calls | Where-Object { $_.Member.StringConstantType -ne 'BareWord' }).Count
        script_texts = [string[]] @($calls | Where-Object { $_.Member.Value -eq 'AddScript' } | ForEach-Object { $_.Arguments })
        delegates = [string[]] @($calls | Where-Object { $_.Member.Value -eq 'CreateDelegate' } | ForEach-Object { $_.Arguments })
        parameters = $parameters
        attributes = [string[]] @($parsed.ParamBlock.Attributes | ForEach-Object { $_ })
    }
}
ConvertTo-Json -InputObject @($described) -Depth 3 -Compress
