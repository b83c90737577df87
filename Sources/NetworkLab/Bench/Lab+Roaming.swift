import ControlAPI
import Foundation
import Glibc
import NetworkTypes

/// What measurements of roaming ask daemons, and the kernel about them.
extension Lab {
    /// Two routers that know each other, with room for a ``Crowd``; without servers, which are nobody's subject there.
    static func forCrowd(
        routers: Int = 2, flowLimit: Int, flowCapacity: Int, outsideAddresses: Int = 1
    ) throws -> Lab {
        let lab = try Lab(LabPlan(routers: routers, server: .none, hasCommonGateway: true))
        do {
            try lab.forwardInDrivers()
            var options = RouterOptions(
                translates: true, hostsAreUnaware: true, peering: .v4, flowLimit: flowLimit)
            options.flowCapacity = flowCapacity
            options.hasCrowd = true
            options.outsideAddresses = outsideAddresses
            try lab.startRouters(options)
            if routers > 1 { try lab.waitForSessions() }
            return lab
        } catch {
            lab.remove()
            throw error
        }
    }

    /// A node as a router knows it; `nil` for one that it doesn't know.
    func node(_ address: IPAddress, at router: Int) throws -> NodeModel? {
        guard let answer = try? ask("ar\(router)", "/v1/nodes/\(address)") else { return nil }
        return try JSONDecoder().decode(NodeModel.self, from: answer)
    }

    /// The last moves to and from a router, oldest first.
    func handovers(at router: Int) throws -> [HandoverModel] {
        try JSONDecoder().decode([HandoverModel].self, from: try ask("ar\(router)", "/v1/handovers"))
    }

    /// Slots in use of the table of translations.
    func translations(at router: Int) throws -> Int {
        Int(try metric("flowanchor_table_entries{table=\"fa_translations\"}", at: router))
    }

    // MARK: Of the daemon's process

    private func daemon(_ router: Int) throws -> pid_t {
        guard let process = process("anchord-ar\(router)"), process.isRunning else {
            throw LabError.processEnded("anchord-ar\(router)", "it does not run")
        }
        return process.pid
    }

    /// Processor time that the daemon of a router has used, in seconds.
    func processorSeconds(at router: Int) throws -> Double {
        let path = "/proc/\(try daemon(router))/stat"
        let text = try String(contentsOfFile: path, encoding: .utf8)
        // Behind the name, which may have anything in it.
        let fields = text.lastIndex(of: ")").map { text[$0...].split(separator: " ") } ?? []
        guard fields.count > 13, let user = Double(fields[12]), let system = Double(fields[13]) else {
            throw LabError.file(path, "has no processor times")
        }
        return (user + system) / Double(sysconf(Int32(_SC_CLK_TCK)))
    }

    /// Bytes that the daemon of a router has in memory and shares with nobody.
    func ownBytes(at router: Int) throws -> Int {
        let path = "/proc/\(try daemon(router))/status"
        let line = try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n")
            .first { $0.hasPrefix("RssAnon:") }
        guard let kibibytes = line.flatMap({ Int($0.filter(\.isNumber)) }) else {
            throw LabError.file(path, "has no RssAnon")
        }
        return kibibytes * 1024
    }

    /// Bytes that the kernel has set aside for maps of a router's daemon, by their names.
    func mapBytes(at router: Int, _ isWanted: (String) -> Bool) throws -> Int {
        let folder = "/proc/\(try daemon(router))/fdinfo"
        // The kernel's accounts don't name the maps.
        var bytes: [[Int]: Int] = [:]
        for descriptor in try FileManager.default.contentsOfDirectory(atPath: folder) {
            guard let text = try? String(contentsOfFile: "\(folder)/\(descriptor)", encoding: .utf8) else { continue }
            var fields: [Substring: Int] = [:]
            for line in text.split(separator: "\n") {
                let parts = line.split(separator: ":")
                if parts.count == 2 { fields[parts[0]] = Int(parts[1].trimmingCharacters(in: .whitespaces)) }
            }
            guard let key = fields["key_size"], let value = fields["value_size"], let count = fields["max_entries"],
                let memory = fields["memlock"]
            else { continue }
            bytes[[key, value, count]] = memory
        }
        let maps = try JSONDecoder().decode([MapModel].self, from: try ask("ar\(router)", "/v1/maps"))
        return try maps.filter { isWanted($0.name) }.reduce(0) { sum, map in
            guard let found = bytes[[map.keySize, map.valueSize, map.capacity]] else {
                throw LabError.file(folder, "does not have \(map.name)")
            }
            return sum + found
        }
    }
}
