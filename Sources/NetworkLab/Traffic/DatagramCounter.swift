import Foundation
import Netlink

/// The UDP datagrams that a machine of a lab has received, of both families (RFC 4113, udpInDatagrams). Read without
/// starting a process, which on a small machine would take its time from what is being measured.
final class DatagramCounter {
    private let machine: String
    /// Opened in the machine's namespace, whose counters they show from then on.
    private let files: [FileHandle]

    init(_ lab: Lab, on machine: String) throws {
        self.machine = machine
        let namespace = try NetworkNamespace(path: "/run/netns/\(lab.namespace(machine))")
        files = try namespace.run {
            try ["snmp", "snmp6"].map { name in
                let path = "/proc/thread-self/net/\(name)"
                guard let file = FileHandle(forReadingAtPath: path) else { throw LabError.file(path, "not there") }
                return file
            }
        }
    }

    func received() throws -> Int {
        let lines = try files.flatMap { file in
            try file.seek(toOffset: 0)
            return String(decoding: try file.readToEnd() ?? Data(), as: UTF8.self).split(separator: "\n")
        }
        func number(_ line: Substring?, at column: Int) throws -> Int {
            let columns = line?.split(whereSeparator: \.isWhitespace) ?? []
            guard columns.indices.contains(column), let number = Int(columns[column]) else {
                throw LabError.file("/proc/net/snmp of \(machine)", "has no count of UDP datagrams")
            }
            return number
        }
        // The first of the two lines has the names of the columns.
        return try number(lines.last { $0.hasPrefix("Udp: ") }, at: 1)
            + number(lines.first { $0.hasPrefix("Udp6InDatagrams") }, at: 1)
    }
}
