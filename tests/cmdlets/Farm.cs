// Copyright: (c) 2026, the remotedesktop.sessions contributors
// GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// What every stand-in cmdlet does: ask the lab's farm over its control door, and hand on what it answers.
// C# 5 and the classes of .NET Framework 4.5, so that Windows PowerShell compiles it too.
using System;
using System.Collections;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Management.Automation;
using System.Net;
using System.Runtime.Serialization.Json;
using System.Text;
using System.Threading;
using System.Xml;
using System.Xml.Linq;

namespace RemoteDesktopSessions.Lab
{
    // One thing that a cmdlet is to write: a row, an error, a warning, ...
    public sealed class Item
    {
        private readonly XElement element;

        public Item(XElement element) { this.element = element; }

        public string Kind { get { return Text("kind"); } }

        public string Text(string name)
        {
            XElement found = element.Element(name);
            return found == null ? "" : found.Value;
        }

        public double Seconds { get { return double.Parse(Text("seconds"), CultureInfo.InvariantCulture); } }

        // Set the properties of an object from the members of the row; null leaves them as they are.
        public T Fill<T>(T target)
        {
            foreach (XElement member in element.Element("row").Elements())
            {
                if ((string)member.Attribute("type") == "null") { continue; }
                var property = typeof(T).GetProperty(member.Name.LocalName);
                Type type = Nullable.GetUnderlyingType(property.PropertyType) ?? property.PropertyType;
                property.SetValue(target, Convert(member, type), null);
            }
            return target;
        }

        private static object Convert(XElement member, Type type)
        {
            if (type == typeof(string[]))
            {
                var items = new List<string>();
                foreach (XElement item in member.Elements()) { items.Add(item.Value); }
                return items.ToArray();
            }
            if (type.IsEnum) { return Enum.Parse(type, member.Value); }
            if (type == typeof(DateTime))
            {
                // The cmdlets give local times of the machine that they run on.
                return DateTime.Parse(member.Value, CultureInfo.InvariantCulture, DateTimeStyles.RoundtripKind).ToLocalTime();
            }
            return System.Convert.ChangeType(member.Value, type, CultureInfo.InvariantCulture);
        }

        public ErrorRecord Error(object target)
        {
            string message = Text("message");
            Exception exception = Text("exception") == "ItemNotFoundException"
                ? new ItemNotFoundException(message)
                : new RuntimeException(message);
            var category = (ErrorCategory)Enum.Parse(typeof(ErrorCategory), Text("category"));
            return new ErrorRecord(exception, Text("id"), category, target);
        }
    }

    public static class Farm
    {
        // Ask the farm. Blocks in the network like a call of Windows does: nothing can interrupt it.
        public static IList<Item> Call(string command, IDictionary parameters, string account, bool waited)
        {
            var body = new StringBuilder();
            Write(body, new Hashtable
            {
                { "host", Environment.GetEnvironmentVariable("LAB_HOST") },
                { "user", Environment.GetEnvironmentVariable("LAB_USER") },
                { "command", command },
                { "parameters", parameters },
                { "account", account },
                { "waited", waited },
            });
            byte[] data = Encoding.UTF8.GetBytes(body.ToString());
            var request = (HttpWebRequest)WebRequest.Create(Environment.GetEnvironmentVariable("LAB_CONTROL") + "/winrm/cmdlet");
            request.Method = "POST";
            request.ContentType = "application/json";
            request.Timeout = Timeout.Infinite;
            request.ReadWriteTimeout = Timeout.Infinite;
            request.Proxy = null;
            request.ServicePoint.ConnectionLimit = 256;
            using (Stream stream = request.GetRequestStream()) { stream.Write(data, 0, data.Length); }
            using (WebResponse response = request.GetResponse())
            using (Stream stream = response.GetResponseStream())
            using (XmlReader reader = JsonReaderWriterFactory.CreateJsonReader(stream, XmlDictionaryReaderQuotas.Max))
            {
                var items = new List<Item>();
                foreach (XElement item in XElement.Load(reader).Element("result").Elements()) { items.Add(new Item(item)); }
                return items;
            }
        }

        private static void Write(StringBuilder text, object value)
        {
            var wrapped = value as PSObject;
            if (wrapped != null) { value = wrapped.BaseObject; }
            var credential = value as PSCredential;
            if (credential != null)
            {
                NetworkCredential secret = credential.GetNetworkCredential();
                value = new Hashtable { { "user_name", credential.UserName }, { "password", secret.Password } };
            }
            if (value is SwitchParameter) { value = ((SwitchParameter)value).IsPresent; }
            if (value == null) { text.Append("null"); }
            else if (value is bool) { text.Append((bool)value ? "true" : "false"); }
            else if (value is string || value.GetType().IsEnum) { WriteString(text, value.ToString()); }
            else if (value is IDictionary) { WriteMembers(text, (IDictionary)value); }
            else if (value is IEnumerable) { WriteItems(text, (IEnumerable)value); }
            else { text.Append(System.Convert.ToString(value, CultureInfo.InvariantCulture)); }
        }

        private static void WriteString(StringBuilder text, string value)
        {
            text.Append('"');
            foreach (char one in value)
            {
                if (one >= ' ' && one <= '~' && one != '"' && one != '\\') { text.Append(one); }
                else { text.Append("\\u").Append(((int)one).ToString("x4", CultureInfo.InvariantCulture)); }
            }
            text.Append('"');
        }

        private static void WriteMembers(StringBuilder text, IDictionary members)
        {
            string separator = "{";
            foreach (DictionaryEntry member in members)
            {
                text.Append(separator);
                WriteString(text, (string)member.Key);
                text.Append(':');
                Write(text, member.Value);
                separator = ",";
            }
            text.Append(separator == "{" ? "{}" : "}");
        }

        private static void WriteItems(StringBuilder text, IEnumerable items)
        {
            string separator = "[";
            foreach (object item in items)
            {
                text.Append(separator);
                Write(text, item);
                separator = ",";
            }
            text.Append(separator == "[" ? "[]" : "]");
        }
    }

    // Base of the compiled cmdlets.
    public abstract class FarmCmdlet : PSCmdlet
    {
        private readonly ManualResetEvent stopped = new ManualResetEvent(false);

        protected override void StopProcessing() { stopped.Set(); }

        protected void Ask(string command, IDictionary parameters, object target, Func<Item, object> read)
        {
            Ask(command, parameters, target, read, "");
        }

        protected void Ask(string command, IDictionary parameters, object target, Func<Item, object> read, string account)
        {
            IList<Item> items = Farm.Call(command, parameters, account, false);
            if (items.Count == 1 && items[0].Kind == "wait")
            {
                int milliseconds = items[0].Seconds < 0 ? Timeout.Infinite : (int)(items[0].Seconds * 1000);
                if (stopped.WaitOne(milliseconds)) { throw new PipelineStoppedException(); }
                items = Farm.Call(command, parameters, account, true);
            }
            foreach (Item item in items)
            {
                switch (item.Kind)
                {
                    case "row": WriteObject(read(item)); break;
                    case "warning": WriteWarning(item.Text("message")); break;
                    case "terminating": ThrowTerminatingError(item.Error(target)); break;
                    default: WriteError(item.Error(target)); break;
                }
            }
        }

        // What the caller gave, without the parameters that every cmdlet has.
        protected Hashtable Given(params string[] names)
        {
            var given = new Hashtable();
            foreach (string name in names)
            {
                if (MyInvocation.BoundParameters.ContainsKey(name)) { given[name] = MyInvocation.BoundParameters[name]; }
            }
            return given;
        }
    }
}
