// Copyright: (c) 2026, the remotedesktop.sessions contributors
// GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// The types that the functions of RemoteDesktop write.
using System;

namespace Microsoft.RemoteDesktopServices.Management
{
    public enum SESSION_STATE
    {
        STATE_ACTIVE, STATE_CONNECTED, STATE_CONNECTQUERY, STATE_SHADOW, STATE_DISCONNECTED,
        STATE_IDLE, STATE_LISTEN, STATE_RESET, STATE_DOWN, STATE_INIT
    }

    public enum COLLECTION_TYPE
    {
        RD_FARM_RDSH, RD_FARM_TEMP_VM, RD_FARM_MANUAL_PERSONAL_VM, RD_FARM_AUTO_PERSONAL_VM,
        RD_FARM_MANUAL_PERSONAL_SESSION, RD_FARM_AUTO_PERSONAL_SESSION
    }

    public class RDUserSession
    {
        public string ServerName { get; set; }
        public uint? SessionId { get; set; }
        public string UserName { get; set; }
        public string DomainName { get; set; }
        public string ServerIPAddress { get; set; }
        public uint? TSProtocol { get; set; }
        public string ApplicationType { get; set; }
        public uint? ResolutionWidth { get; set; }
        public uint? ResolutionHeight { get; set; }
        public uint? ColorDepth { get; set; }
        public DateTime? CreateTime { get; set; }
        public DateTime? DisconnectTime { get; set; }
        public SESSION_STATE? SessionState { get; set; }
        public string CollectionName { get; set; }
        public COLLECTION_TYPE? CollectionType { get; set; }
        public uint? UnifiedSessionId { get; set; }
        public string HostServer { get; set; }
        public uint? IdleTime { get; set; }
        public bool? RemoteFxEnabled { get; set; }
    }

    public enum RDServerNewConnectionAllowed { Yes, NotUntilReboot, No }

    public class RDServer
    {
        public string CollectionName { get; set; }
        public string SessionHost { get; set; }
        public RDServerNewConnectionAllowed NewConnectionAllowed { get; set; }
    }

    public enum RDSessionCollectionType { Unknown, PooledUnmanaged, PersonalUnmanaged }

    public class RDSessionCollection
    {
        public string CollectionName { get; set; }
        public string CollectionAlias { get; set; }
        public string CollectionDescription { get; set; }
        public int Size { get; set; }
        public string ResourceType { get; set; }
        public RDSessionCollectionType CollectionType { get; set; }
    }

    // C# takes no property with the name of its own class, but inherits one.
    public abstract class ServerRow
    {
        public string Server { get; set; }
        public string[] Roles { get; set; }
    }

    public class Server : ServerRow
    {
    }
}
