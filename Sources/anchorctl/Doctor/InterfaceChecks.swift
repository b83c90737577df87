import AnchorDaemon
import Foundation

/// Checks of the interfaces that a configuration names.
struct InterfaceChecks {
    private let interfaces: [String]
    private let carriesTunnels: Set<String>
    private let isRouter: Bool
    /// Packets are translated.
    private let translates: Bool

    init(_ configuration: DaemonConfiguration) {
        let router = configuration.accessRouter
        let core = router?.coreInterfaces ?? []
        let access = router?.access.map(\.interface) ?? []
        let servers = router?.servers.flatMap(\.interfaces) ?? []
        interfaces = core + access + servers + (configuration.mobileNode?.interfaces ?? [])
        carriesTunnels = Set(core)
        isRouter = router != nil
        translates = router?.nat != nil
    }

    var findings: [Finding] { interfaces.flatMap(checks) }

    private func checks(_ name: String) -> [Finding] {
        let folder = "/sys/class/net/\(name)"
        guard FileManager.default.fileExists(atPath: folder) else {
            return [.failed(name, "no such interface", mend: "ip link show, then correct the configuration")]
        }
        var found = [driver(name, folder), transmissionUnit(name, folder)].compactMap { $0 }
        if isRouter { found += offloads(name) }
        if translates { found.append(reversePathFilter(name)) }
        return found
    }

    private func driver(_ name: String, _ folder: String) -> Finding? {
        let link = try? FileManager.default.destinationOfSymbolicLink(atPath: "\(folder)/device/driver")
        return .passed(name, "driver \(link.map { String($0.split(separator: "/").last!) } ?? "virtual")")
    }

    /// IPv6 needs 1280 bytes inside of the largest tunnel header (52 bytes).
    private func transmissionUnit(_ name: String, _ folder: String) -> Finding? {
        guard let text = try? String(contentsOfFile: "\(folder)/mtu", encoding: .utf8),
            let mtu = Int(text.trimmingCharacters(in: .whitespacesAndNewlines))
        else { return nil }
        if mtu < 1280 + 52 {
            return .failed(
                name, "MTU \(mtu): a tunnel needs 1332 to carry IPv6", mend: "ip link set \(name) mtu 1500")
        }
        guard carriesTunnels.contains(name), mtu < 1552 else { return .passed(name, "MTU \(mtu)") }
        return .warning(
            name, "MTU \(mtu): packets of 1500 bytes don't fit through a tunnel, senders are told so",
            mend: "ip link set \(name) mtu 1552, where the whole core network carries it")
    }

    /// A translated packet whose next hop isn't known goes through the kernel. It has come from an outside address, to
    /// which no way leads through the interface that the host is on: a strict filter drops it. The daemon sees to
    /// accept_local, which is the other half, by itself.
    private func reversePathFilter(_ name: String) -> Finding {
        func value(_ interface: String) -> Int {
            let text = try? String(contentsOfFile: "/proc/sys/net/ipv4/conf/\(interface)/rp_filter", encoding: .utf8)
            return text.flatMap { Int($0.trimmingCharacters(in: .whitespacesAndNewlines)) } ?? 0
        }
        let filter = max(value(name), value("all"))
        return filter == 1
            ? .failed(
                name, "rp_filter is 1: translated packets that the kernel should pass are dropped",
                mend: "sysctl -w net.ipv4.conf.\(name).rp_filter=2")
            : .passed(name, "rp_filter \(filter)")
    }

    private func offloads(_ name: String) -> [Finding] {
        guard let features = features(of: name) else {
            return [
                .warning(name, "offloads not checked: there is no ethtool", mend: "apt-get install ethtool")
            ]
        }
        var found: [Finding] = []
        if features["large-receive-offload"] == true {
            found.append(
                .failed(name, "LRO joins packets that are not ours to join", mend: "ethtool -K \(name) lro off"))
        }
        if features["rx-vlan-offload"] == true, features["tx-vlan-offload"] != nil, hasDriver(name) {
            found.append(
                .warning(
                    name, "VLAN tags are taken off before XDP sees them", mend: "ethtool -K \(name) rxvlan off"))
        }
        return found
    }

    private func hasDriver(_ name: String) -> Bool {
        FileManager.default.fileExists(atPath: "/sys/class/net/\(name)/device/driver")
    }

    /// `nil` without ethtool.
    private func features(of name: String) -> [String: Bool]? {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/sbin/ethtool")
        process.arguments = ["-k", name]
        let output = Pipe()
        process.standardOutput = output
        process.standardError = FileHandle.nullDevice
        guard (try? process.run()) != nil else { return nil }
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        var features: [String: Bool] = [:]
        for line in text.split(separator: "\n") {
            let parts = line.split(separator: ":", maxSplits: 1)
            guard parts.count == 2 else { continue }
            let state = parts[1].trimmingCharacters(in: .whitespaces)
            features[parts[0].trimmingCharacters(in: .whitespaces)] = state.hasPrefix("on")
        }
        return features
    }
}
