# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Runs cmdlet calls and writes one JSON text with their answers. For Windows PowerShell 5.1 and PowerShell 7.
#
# This text is constant: what it is to do comes as parameters. Every call is a pipeline of one command, built with
# AddCommand and AddParameter in a runspace of its own, so values are never parsed, errors and warnings stay apart
# from the script's, a cmdlet that would ask fails, and one that hangs can be left behind.

[CmdletBinding(SupportsShouldProcess)]
param (
    # Calls to run first, one after the other: command, parameters, secrets (parameters that take $Credential).
    [System.Collections.IDictionary[]] $Calls = @(),

    # The call that lists what $Acts are about.
    [System.Collections.IDictionary] $Listing,

    # Acts, many at once: call, where (properties that say which row), expect (properties that prove it is the same),
    # seconds since the start of this script until which it may be sent, if there is such a limit.
    [System.Collections.IDictionary[]] $Acts = @(),

    # Expected properties that are names: they compare without case.
    [string[]] $AnyCase = @(),

    # An act is sent only on a list that was begun less than $ProofSeconds and the seconds of the shortest list ago, and
    # less than $LongestProof. $ShortestList is the shortest that the caller knows.
    [double] $ProofSeconds,
    [double] $ShortestList,
    [double] $LongestProof,

    # No act is begun more than so many seconds after the first: nobody here hears when the run is cancelled.
    [double] $SendSeconds = 10,

    # Deadline of each act, and of each other call. What is over it is told to stop, and left behind: it ends with this
    # process at the latest.
    [double] $ActSeconds = 60,
    [double] $Seconds = 60,

    [System.Management.Automation.PSCredential] $Credential
)

$ErrorActionPreference = 'Stop'

$clock = [System.Diagnostics.Stopwatch]::StartNew()
# So many calls are in flight, and beside them so many more that have been silent for a while: those may be hung.
$AtOnce = 8
$MostSilent = 40
$SilentSeconds = 0.5
$idle = New-Object -TypeName System.Collections.Stack
$opening = New-Object -TypeName System.Collections.ArrayList
$lists = @{ Shortest = $ShortestList }
$invariant = [System.Globalization.CultureInfo]::InvariantCulture
$special = '["\\]|[^ -~]'
$names = New-Object -TypeName 'System.Collections.Generic.Dictionary[string,string]'

function Open-Runspace {
    $runspace = [System.Management.Automation.Runspaces.RunspaceFactory]::CreateRunspace(
        [System.Management.Automation.Runspaces.InitialSessionState]::CreateDefault2()
    )
    $runspace.ThreadOptions = 'ReuseThread'
    $runspace.Open()
    # Its thread must not keep the process alive when a call in it hangs.
    $shell = [System.Management.Automation.PowerShell]::Create()
    $shell.Runspace = $runspace
    [void] $shell.AddScript('[System.Threading.Thread]::CurrentThread.IsBackground = $true').Invoke()
    $shell.Dispose()
    $idle.Push($runspace)
}

function Initialize-Runspace {
    # Modules belong to a runspace, and so may a sign-in: each one begins with $Calls. Returns their answers.
    Open-Runspace
    foreach ($one in $Calls) {
        Invoke-Call $one
    }
}

function Start-Call {
    param ([System.Collections.IDictionary] $Call, [double] $Limit)

    if ($Call['command'] -cnotmatch '\A[A-Za-z]+-[A-Za-z]+\z') {
        throw 'The name of a cmdlet is a verb and a noun.'
    }
    if ($idle.Count -eq 0) {
        Open-Runspace
    }
    $shell = [System.Management.Automation.PowerShell]::Create()
    $shell.Runspace = $idle.Pop()
    [void] $shell.AddCommand([string] $Call['command'])
    foreach ($name in $Call['parameters'].Keys) {
        [void] $shell.AddParameter($name, $Call['parameters'][$name])
    }
    foreach ($name in $Call['secrets']) {
        [void] $shell.AddParameter($name, $Credential)
    }
    return @{
        Begun = $clock.Elapsed.TotalSeconds
        Deadline = $clock.Elapsed.TotalSeconds + $Limit
        Result = $shell.BeginInvoke()
        Shell = $shell
    }
}

function Receive-Call {
    # The answer of a call that has ended; of one that has not, that there is none.
    param ([hashtable] $Running)

    $shell = $Running.Shell
    $answer = @{ State = 'no answer'; Output = @(); Errors = @(); Warnings = @(); Begun = $Running.Begun }
    $answer.Ended = $clock.Elapsed.TotalSeconds
    if ($Running.Result.IsCompleted) {
        $answer.State = ([string] $shell.InvocationStateInfo.State).ToLowerInvariant()
        $answer.Errors = @($shell.Streams.Error.ReadAll())
        $answer.Warnings = @(foreach ($record in $shell.Streams.Warning.ReadAll()) { [string] $record })
        if ($answer.State -eq 'completed') {
            $answer.Output = @($shell.EndInvoke($Running.Result))
        }
        else {
            $answer.Errors += @(Get-Ending $answer.Errors $shell.InvocationStateInfo.Reason)
        }
        $idle.Push($shell.Runspace)
        $shell.Dispose()
    }
    else {
        # Closing stops it, if it can be stopped, so that it does not act long after its proof. That may take for ever,
        # but PowerShell 7 waits at its end for runspaces that nobody has begun to close. CloseAsync would do that in
        # a thread that keeps the process alive.
        [void] [System.Threading.Tasks.Task]::Factory.StartNew(
            [System.Delegate]::CreateDelegate([System.Action], $shell.Runspace, 'Close'),
            [System.Threading.Tasks.TaskCreationOptions]::LongRunning
        )
    }
    return $answer
}

function Start-Runspace {
    # Begins in the background what Initialize-Runspace waits for, as it may take seconds.
    Open-Runspace
    Step-Runspace 0
}

function Step-Runspace {
    # Begins one of $Calls in the runspace that is idle since last. After all of them it stays idle.
    param ([int] $Number)

    if ($Number -lt $Calls.Count) {
        $one = Start-Call $Calls[$Number] $Seconds
        $one.Number = $Number
        [void] $opening.Add($one)
    }
}

function Receive-Runspace {
    # Goes on with what Start-Runspace has begun. Returns whether a call went wrong, whose runspace is not used then.
    $failed = $false
    foreach ($one in @($opening)) {
        if (Test-Ended $one) {
            $opening.Remove($one)
            $answer = Receive-Call $one
            if ($answer.State -eq 'completed' -and $answer.Errors.Count -eq 0) {
                Step-Runspace ($one.Number + 1)
                continue
            }
            $failed = $true
            if ($answer.State -ne 'no answer') {
                $idle.Pop().Dispose()
            }
        }
    }
    return $failed
}

function Test-Ended {
    # Whether there is nothing more to wait for.
    param ([hashtable] $Running)

    return $Running.Result.IsCompleted -or $clock.Elapsed.TotalSeconds -ge $Running.Deadline
}

function Get-Ending {
    # The error that ended a call, unless it was written before.
    param ([object[]] $Written, [System.Exception] $Reason)

    if ($null -eq $Reason) {
        return
    }
    $record = $Reason.ErrorRecord
    if ($null -eq $record) {
        $record = New-Object -TypeName System.Management.Automation.ErrorRecord -ArgumentList @(
            $Reason, $Reason.GetType().Name, [System.Management.Automation.ErrorCategory]::NotSpecified, $null
        )
    }
    foreach ($one in $Written) {
        if ($one.FullyQualifiedErrorId -ceq $record.FullyQualifiedErrorId -and [string] $one -ceq [string] $record) {
            return
        }
    }
    return $record
}

function Invoke-Call {
    param ([System.Collections.IDictionary] $Call)

    $running = Start-Call $Call $Seconds
    [void] $running.Result.AsyncWaitHandle.WaitOne([int] [math]::Min($Seconds * 1000, [int]::MaxValue))
    return Receive-Call $running
}

function ConvertTo-JsonString {
    # ASCII only, so that no code page on the way matters.
    param ([string] $Text)

    if ($Text -cmatch $special) {
        $Text = [regex]::Replace($Text, $special, { '\u{0:x4}' -f [int][char] $args[0].Value })
    }
    return '"' + $Text + '"'
}

function ConvertTo-JsonValue {
    # ConvertTo-Json differs between the editions: in dates, in lists that came from a cmdlet, in enumerations.
    param ([object] $Value, [int] $Depth)

    if ($null -eq $Value) {
        return 'null'
    }
    if ($Value -is [string] -or $Value -is [char] -or $Value -is [enum]) {
        return ConvertTo-JsonString $Value
    }
    if ($Value -is [bool]) {
        return ([string] $Value).ToLowerInvariant()
    }
    if ($Value -is [System.DateTimeOffset]) {
        $Value = $Value.UtcDateTime
    }
    if ($Value -is [datetime]) {
        $zone = ''
        if ($Value.Kind -ne 'Unspecified') {
            $Value = $Value.ToUniversalTime()
            $zone = 'Z'
        }
        return '"' + $Value.ToString('yyyy-MM-ddTHH:mm:ss.FFFFFFF', $invariant) + $zone + '"'
    }
    if ($Value -is [System.Management.Automation.SwitchParameter]) {
        return ([string] $Value.IsPresent).ToLowerInvariant()
    }
    if ($Value -is [double] -or $Value -is [single]) {
        return $Value.ToString('R', $invariant)
    }
    if ($Value -is [decimal] -or ($Value -is [System.ValueType] -and $Value.GetType().IsPrimitive)) {
        return $Value.ToString($invariant)
    }
    if ($Depth -gt 0 -and $Value -is [System.Collections.IDictionary]) {
        $members = foreach ($entry in $Value.GetEnumerator()) {
            (ConvertTo-JsonString $entry.Key) + ':' + (ConvertTo-JsonValue $entry.Value ($Depth - 1))
        }
        return '{' + ($members -join ',') + '}'
    }
    if ($Depth -gt 0 -and $Value -is [System.Collections.IEnumerable]) {
        $items = foreach ($item in $Value) { ConvertTo-JsonValue $item ($Depth - 1) }
        return '[' + ($items -join ',') + ']'
    }
    return ConvertTo-JsonString ([string] $Value)
}

function ConvertTo-JsonRow {
    param ([object] $Row)

    if ($Row -is [System.Collections.IDictionary]) {
        return ConvertTo-JsonValue $Row 3
    }
    if ($null -eq $Row -or $Row -is [System.ValueType] -or $Row -is [System.Collections.IEnumerable]) {
        return '{"Value":' + (ConvertTo-JsonValue $Row 2) + '}'
    }
    $members = foreach ($property in $Row.PSObject.Properties) {
        if (-not $names.ContainsKey($property.Name)) {
            $names[$property.Name] = (ConvertTo-JsonString $property.Name) + ':'
        }
        $name = $names[$property.Name]
        # PowerShell takes a property that cannot be read for $null.
        $value = $property.Value
        # Thousands of rows are mostly such texts, and a function call takes longer than all else here.
        if ($value -is [string] -and $value -cnotmatch $special) {
            $name + '"' + $value + '"'
        }
        else {
            $name + (ConvertTo-JsonValue $value 2)
        }
    }
    return '{' + ($members -join ',') + '}'
}

function ConvertTo-JsonAnswer {
    param ([hashtable] $Answer)

    $rows = foreach ($row in $Answer.Output) { ConvertTo-JsonRow $row }
    $errors = foreach ($record in $Answer.Errors) {
        ConvertTo-JsonValue @{
            id = [string] $record.FullyQualifiedErrorId
            category = [string] $record.CategoryInfo.Category
            exception = $record.Exception.GetType().FullName
            message = [string] $record
        } 1
    }
    $members = @(
        '"state":' + (ConvertTo-JsonString $Answer.State)
        '"output":[' + ($rows -join ',') + ']'
        '"errors":[' + ($errors -join ',') + ']'
        '"warnings":' + (ConvertTo-JsonValue $Answer.Warnings 1)
        '"begun":' + (ConvertTo-JsonValue $Answer.Begun 0)
        '"ended":' + (ConvertTo-JsonValue $Answer.Ended 0)
    )
    return '{' + ($members -join ',') + '}'
}

function ConvertTo-JsonSent {
    # The report about an act that was sent.
    param ([hashtable] $Running)

    $members = @(
        '"verdict":"sent"'
        '"answer":' + (ConvertTo-JsonAnswer (Receive-Call $Running))
        '"proof_age":' + (ConvertTo-JsonValue $Running.ProofAge 0)
    )
    return '{' + ($members -join ',') + '}'
}

function Get-Proof {
    # A list of what is there now, by the properties that say where.
    param ([string[]] $Where)

    $proof = @{ Begun = $clock.Elapsed.TotalSeconds }
    $proof.Answer = Invoke-Call $Listing
    $proof.Whole = $proof.Answer.State -eq 'completed' -and $proof.Answer.Errors.Count -eq 0
    if ($proof.Whole) {
        $lists.Shortest = [math]::Min($lists.Shortest, $proof.Answer.Ended - $proof.Answer.Begun)
    }
    # Not @{}, which in Windows PowerShell compares as the host's culture does.
    $byKey = 'System.Collections.Generic.Dictionary[string,System.Collections.ArrayList]'
    $proof.Rows = New-Object -TypeName $byKey -ArgumentList ([System.StringComparer]::OrdinalIgnoreCase)
    foreach ($row in $proof.Answer.Output) {
        $key = @(foreach ($name in $Where) { $row.$name }) -join "`n"
        if (-not $proof.Rows.ContainsKey($key)) {
            $proof.Rows[$key] = New-Object -TypeName System.Collections.ArrayList
        }
        [void] $proof.Rows[$key].Add($row)
    }
    $proof.InTime = -not (Test-Old $proof)
    return $proof
}

function Test-Old {
    # Whether a list is too old to prove anything.
    param ([hashtable] $Proof)

    $longest = [math]::Min($LongestProof, $ProofSeconds + $lists.Shortest)
    return $clock.Elapsed.TotalSeconds - $Proof.Begun -ge $longest
}

function Test-Same {
    # Names are the same whatever their case and the blanks around them, and a missing one is an empty one.
    param ([object] $Found, [object] $Expected, [bool] $IsName)

    $isText = ($null -eq $Found -or $Found -is [string]) -and ($null -eq $Expected -or $Expected -is [string])
    if ($IsName -and $isText) {
        return [string]::Equals(
            ([string] $Found).Trim(), ([string] $Expected).Trim(), [System.StringComparison]::OrdinalIgnoreCase
        )
    }
    return (ConvertTo-JsonValue $Found 0) -ceq (ConvertTo-JsonValue $Expected 0)
}

function Test-Late {
    # Whether an act must not begin any more in this run, in which another list may have to be read first.
    param ([System.Collections.IDictionary] $Act, [bool] $Read)

    $now = $clock.Elapsed.TotalSeconds
    if ($Read) {
        $now += $lists.Shortest
    }
    return $now -gt $lastBegin -or ($null -ne $Act['seconds'] -and $now -ge [double] $Act['seconds'])
}

function Measure-Place {
    # How many more acts may be in flight now.
    $silent = 0
    $now = $clock.Elapsed.TotalSeconds
    foreach ($one in $running.Values) {
        if ($now - $one.Begun -ge $SilentSeconds) {
            $silent++
        }
    }
    return $AtOnce - $running.Count + [math]::Min($silent, $MostSilent)
}

function Get-Verdict {
    # Whether the row that an act is about is still the one that was selected.
    param ([System.Collections.IDictionary] $Act, [hashtable] $Proof, [string[]] $Where)

    if (-not $Proof.Whole) {
        return 'unproven'
    }
    $key = @(foreach ($name in $Where) { $Act['where'][$name] }) -join "`n"
    if (-not $Proof.Rows.ContainsKey($key)) {
        return 'gone'
    }
    $rows = $Proof.Rows[$key]
    if ($rows.Count -ne 1) {
        return 'unproven'
    }
    foreach ($name in $Act['expect'].Keys) {
        $isName = $AnyCase -ccontains $name
        if (-not (Test-Same -Found $rows[0].$name -Expected $Act['expect'][$name] -IsName $isName)) {
            return 'replaced'
        }
    }
    return 'proven'
}

$answers = foreach ($answer in Initialize-Runspace) { ConvertTo-JsonAnswer $answer }
$reports = @('') * $Acts.Count
$listed = 'null'

if ($null -ne $Listing) {
    $where = @(if ($Acts.Count -gt 0) { $Acts[0]['where'].Keys })
    $mayAct = $Acts.Count -gt 0 -and $PSCmdlet.ShouldProcess('the listed sessions', 'act')
    # Now, as the list would be too old after it. No more of them once one hangs.
    $wanted = [math]::Min($AtOnce, $Acts.Count)
    for ($number = 1; $mayAct -and $number -lt $wanted -and $number -eq $idle.Count; $number++) {
        $null = Initialize-Runspace
    }
    $proof = Get-Proof $where
    $running = @{}
    $next = 0
    $lastBegin = [double]::PositiveInfinity
    $mayOpen = $mayAct
    $again = -1

    while ($next -lt $Acts.Count -or $running.Count -gt 0) {
        if (Receive-Runspace) {
            $mayOpen = $false
        }
        # One at a time, so that nobody waits for long.
        $wanted = [math]::Min((Measure-Place), $Acts.Count - $next)
        if ($mayOpen -and $idle.Count + $opening.Count -lt $wanted) {
            Start-Runspace
        }
        while ($next -lt $Acts.Count) {
            $act = $Acts[$next]
            $verdict = 'later'
            # A list that took too long itself proves nothing, and another would take as long.
            $read = $proof.InTime -and (Test-Old $proof)
            if (-not (Test-Late $act -Read $read)) {
                $lacksRunspace = $mayAct -and $proof.Whole -and $proof.InTime -and $idle.Count -eq 0
                if ((Measure-Place) -le 0 -or ($lacksRunspace -and $running.Count + $opening.Count -gt 0)) {
                    break
                }
                if (-not $lacksRunspace) {
                    if ($proof.InTime -and (Test-Old $proof)) {
                        $proof = Get-Proof $where
                    }
                    $verdict = Get-Verdict -Act $act -Proof $proof -Where $where
                }
            }
            if ($verdict -eq 'proven' -and $mayAct -and $proof.InTime -and $again -ne $next -and (Test-Old $proof)) {
                # It has become too old just now, so once more with another list.
                $again = $next
                continue
            }
            if ($verdict -eq 'proven') {
                if (-not $mayAct -or (Test-Old $proof)) {
                    $verdict = 'unproven'
                }
                elseif (Test-Late $act) {
                    $verdict = 'later'
                }
                else {
                    $running[$next] = Start-Call $act['call'] $ActSeconds
                    $running[$next].ProofAge = $running[$next].Begun - $proof.Begun
                    $lastBegin = [math]::Min($lastBegin, $running[$next].Begun + $SendSeconds)
                }
            }
            $reports[$next] = '{"verdict":' + (ConvertTo-JsonString $verdict) + ',"answer":null}'
            $next++
        }
        foreach ($number in @($running.Keys)) {
            $one = $running[$number]
            if (Test-Ended $one) {
                $reports[$number] = ConvertTo-JsonSent $one
                $running.Remove($number)
            }
        }
        Start-Sleep -Milliseconds 20
    }

    if ($lastBegin -lt [double]::PositiveInfinity) {
        $proof = Get-Proof $where
    }
    $listed = ConvertTo-JsonAnswer $proof.Answer
}

$members = @(
    '"calls":[' + ($answers -join ',') + ']'
    '"acts":[' + ($reports -join ',') + ']'
    '"listing":' + $listed
    '"shortest_list":' + (ConvertTo-JsonValue $lists.Shortest 0)
    # Since the start, as all times: whoever called knows between which readings of their own clock it was.
    '"seconds":' + (ConvertTo-JsonValue $clock.Elapsed.TotalSeconds 0)
)
'{' + ($members -join ',') + '}'

foreach ($one in $opening) {
    $null = Receive-Call $one
}
foreach ($runspace in $idle) {
    $runspace.Dispose()
}
