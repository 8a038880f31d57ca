// Copyright: (c) 2026, the remotedesktop.sessions contributors
// GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Stand-ins for the cmdlets of Microsoft.RDInfra.RDPowerShell (WVD classic). A runspace must sign in before all else.
using System;
using System.Collections;
using System.Management.Automation;
using RemoteDesktopSessions.Lab;

namespace Microsoft.RDInfra.RDManagementData
{
    public class RdMgmtContext
    {
        public string DeploymentUrl { get; set; }
        public string TenantGroupName { get; set; }
        public string UserName { get; set; }
    }

    public class RdMgmtUserSession
    {
        public string TenantGroupName { get; set; }
        public string TenantName { get; set; }
        public string HostPoolName { get; set; }
        public string SessionHostName { get; set; }
        public string UserPrincipalName { get; set; }
        public string AdUserName { get; set; }
        public int SessionId { get; set; }
        public string SessionState { get; set; }
        public string ApplicationType { get; set; }
        public DateTime? CreateTime { get; set; }
    }
}

namespace Microsoft.RDInfra.RDPowerShell
{
    using Microsoft.RDInfra.RDManagementData;

    public abstract class RdsCmdlet : FarmCmdlet
    {
        private const string Variable = "global:RdsAccount";

        // Whether the real module keeps its sign-in in the runspace or in the process is not known.
        protected string Account
        {
            get { return (string)SessionState.PSVariable.GetValue(Variable, ""); }
            set { SessionState.PSVariable.Set(Variable, value); }
        }
    }

    public abstract class PoolCmdlet : RdsCmdlet
    {
        [Parameter(Mandatory = true, Position = 0, ValueFromPipelineByPropertyName = true)]
        public string TenantName { get; set; }

        [Parameter(Mandatory = true, Position = 1, ValueFromPipelineByPropertyName = true)]
        public string HostPoolName { get; set; }
    }

    [Cmdlet(VerbsCommon.Add, "RdsAccount", DefaultParameterSetName = "UserCredential")]
    [OutputType(typeof(RdMgmtContext))]
    public class AddRdsAccountCommand : RdsCmdlet
    {
        [Parameter(Mandatory = true, Position = 0)]
        public string DeploymentUrl { get; set; }

        [Parameter(ParameterSetName = "UserCredential", Mandatory = true, Position = 1)]
        [Parameter(ParameterSetName = "ServicePrincipal", Mandatory = true, Position = 1)]
        public PSCredential Credential { get; set; }

        [Parameter(ParameterSetName = "ServicePrincipal", Mandatory = true)]
        public SwitchParameter ServicePrincipal { get; set; }

        [Parameter(ParameterSetName = "ServicePrincipal", Mandatory = true)]
        [Parameter(ParameterSetName = "ServicePrincipalCertificate", Mandatory = true)]
        public string AadTenantId { get; set; }

        [Parameter(ParameterSetName = "ServicePrincipalCertificate", Mandatory = true)]
        public string CertificateThumbprint { get; set; }

        [Parameter(ParameterSetName = "ServicePrincipalCertificate", Mandatory = true)]
        public string ApplicationId { get; set; }

        protected override void ProcessRecord()
        {
            Hashtable given = Given("DeploymentUrl", "Credential", "CertificateThumbprint", "ApplicationId");
            Ask("Add-RdsAccount", given, DeploymentUrl, SignedIn);
        }

        private object SignedIn(Item item)
        {
            var context = item.Fill(new RdMgmtContext());
            Account = context.UserName;
            return context;
        }
    }

    [Cmdlet(VerbsCommon.Get, "RdsUserSession")]
    [OutputType(typeof(RdMgmtUserSession))]
    public class GetRdsUserSessionCommand : PoolCmdlet
    {
        protected override void ProcessRecord()
        {
            Hashtable given = Given("TenantName", "HostPoolName");
            Ask("Get-RdsUserSession", given, null, item => item.Fill(new RdMgmtUserSession()), Account);
        }
    }

    public abstract class ActOnUserSessionCmdlet : PoolCmdlet
    {
        [Parameter(Mandatory = true, Position = 2, ValueFromPipelineByPropertyName = true)]
        public string SessionHostName { get; set; }

        [Parameter(Mandatory = true, Position = 3, ValueFromPipelineByPropertyName = true)]
        public int SessionId { get; set; }

        [Parameter]
        public SwitchParameter NoUserPrompt { get; set; }

        protected void Act(string command, string question)
        {
            if (!NoUserPrompt && !ShouldContinue(question, "Confirm")) { return; }
            Hashtable given = Given("TenantName", "HostPoolName", "SessionHostName", "SessionId", "Force");
            given["NoUserPrompt"] = true;
            Ask(command, given, null, item => null, Account);
        }
    }

    [Cmdlet(VerbsLifecycle.Invoke, "RdsUserSessionLogoff")]
    public class InvokeRdsUserSessionLogoffCommand : ActOnUserSessionCmdlet
    {
        [Parameter]
        public SwitchParameter Force { get; set; }

        protected override void ProcessRecord() { Act("Invoke-RdsUserSessionLogoff", "Log off the user session?"); }
    }

    [Cmdlet(VerbsCommunications.Disconnect, "RdsUserSession")]
    public class DisconnectRdsUserSessionCommand : ActOnUserSessionCmdlet
    {
        protected override void ProcessRecord() { Act("Disconnect-RdsUserSession", "Disconnect the user session?"); }
    }
}
