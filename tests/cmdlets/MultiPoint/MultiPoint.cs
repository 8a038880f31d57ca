// Copyright: (c) 2026, the remotedesktop.sessions contributors
// GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Stand-ins for the cmdlets of MultiPoint in both generations, which have the same names. GENERATION_2016 chooses.
using System;
using System.Collections;
using System.Management.Automation;
using RemoteDesktopSessions.Lab;

namespace Microsoft.WindowsServerSolutions.WmsServer
{
    public class WmsSession
    {
#if GENERATION_2016
        public uint SessionId { get; set; }
#else
        public uint Id { get; set; }
#endif
        public string State { get; set; }
        public bool IsAdmin { get; set; }
        public string UserName { get; set; }
        public uint StationId { get; set; }
        public string ComputerName { get; set; }
        public string ClientName { get; set; }
        public string DomainName { get; set; }
        public bool IsRail { get; set; }
#if GENERATION_2016
        public bool IsOrchestratable { get; set; }
        public bool IsMOGUser { get; set; }
#endif
    }

    public abstract class WmsCmdlet : FarmCmdlet
    {
        protected void Ask(string command, Hashtable given)
        {
            Ask(command, given, given["SessionId"], item => item.Fill(new WmsSession()));
        }
    }

#if GENERATION_2016
    [Cmdlet(VerbsCommon.Get, "WmsSession", DefaultParameterSetName = "SessionId")]
    [OutputType(typeof(WmsSession))]
    public class GetWmsSessionCommand : WmsCmdlet
    {
        [Parameter(ParameterSetName = "SessionId", Mandatory = true, Position = 0, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
        public uint[] SessionId { get; set; }

        [Parameter(ParameterSetName = "All", Mandatory = true)]
        public SwitchParameter All { get; set; }

        [Parameter, Alias("ComputerName")]
        public string Server { get; set; }

        [Parameter, ValidateSet("Small", "Medium", "Large", "FullScreen")]
        public string Thumbnail { get; set; }

        protected override void ProcessRecord() { Ask("Get-WmsSession", Given("SessionId", "All", "Server")); }
    }

    public abstract class ActOnWmsSessionCommand : WmsCmdlet
    {
        [Parameter(ParameterSetName = "SessionId", Mandatory = true, Position = 0, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
        public uint[] SessionId { get; set; }

        [Parameter(ParameterSetName = "All", Mandatory = true)]
        public SwitchParameter All { get; set; }

        [Parameter, Alias("ComputerName")]
        public string Server { get; set; }

        protected void Act(string verb)
        {
            Hashtable given = Given("SessionId", "All", "Server");
            string target = All ? "all sessions" : "session " + string.Join(", ", SessionId);
            if (!ShouldProcess(target, verb)) { return; }
            given["Confirm"] = false;
            Ask(verb + "-WmsSession", given);
        }
    }

    [Cmdlet(VerbsCommon.Close, "WmsSession", DefaultParameterSetName = "SessionId", SupportsShouldProcess = true, ConfirmImpact = ConfirmImpact.High)]
    public class CloseWmsSessionCommand : ActOnWmsSessionCommand
    {
        protected override void ProcessRecord() { Act("Close"); }
    }

    [Cmdlet(VerbsCommunications.Disconnect, "WmsSession", DefaultParameterSetName = "SessionId", SupportsShouldProcess = true, ConfirmImpact = ConfirmImpact.High)]
    public class DisconnectWmsSessionCommand : ActOnWmsSessionCommand
    {
        protected override void ProcessRecord() { Act("Disconnect"); }
    }
#else
    [Cmdlet(VerbsCommon.Get, "WmsSession")]
    [OutputType(typeof(WmsSession))]
    public class GetWmsSessionCommand : WmsCmdlet
    {
        [Parameter]
        public uint Id { get; set; }

        [Parameter]
        public string SerializeString { get; set; }

        [Parameter]
        public int TimeoutInSecond { get; set; }

        protected override void ProcessRecord() { Ask("Get-WmsSession", Given("Id", "TimeoutInSecond")); }
    }

    public abstract class ActOnWmsSessionCommand : WmsCmdlet
    {
        [Parameter(Mandatory = true, ValueFromPipelineByPropertyName = true)]
        public int SessionId { get; set; }

        [Parameter]
        public int TimeoutInSecond { get; set; }

        protected void Act(string verb)
        {
            Hashtable given = Given("SessionId", "TimeoutInSecond");
            if (!ShouldProcess("session " + SessionId, verb)) { return; }
            given["Confirm"] = false;
            Ask(verb + "-WmsSession", given);
        }
    }

    [Cmdlet(VerbsCommon.Close, "WmsSession", SupportsShouldProcess = true, ConfirmImpact = ConfirmImpact.High)]
    public class CloseWmsSessionCommand : ActOnWmsSessionCommand
    {
        protected override void ProcessRecord() { Act("Close"); }
    }

    [Cmdlet(VerbsCommunications.Disconnect, "WmsSession", SupportsShouldProcess = true, ConfirmImpact = ConfirmImpact.High)]
    public class DisconnectWmsSessionCommand : ActOnWmsSessionCommand
    {
        protected override void ProcessRecord() { Act("Disconnect"); }
    }
#endif
}
