import AnchorCore
import AnchorDataPlane
import Foundation
import NetworkTypes

extension AccessRouterConfiguration {
    /// - Parameter reserved: addresses in pools that are never leased.
    init(
        _ settings: AccessRouterSettings, epoch: UInt32, numbers: [String: PortIndex], reserved: Set<IPAddress>
    ) {
        let links = settings.access.map { link in
            AccessLink(
                interface: InterfaceID(numbers[link.interface] ?? 0),
                gateways: link.gateways.map(\.address)
                    + reserved.filter { address in link.pools.contains { $0.contains(address) } }.sorted(),
                pools: link.pools,
                chain: ForwardingPlane.chainName(link.servers ?? settings.servers.map(\.name)))
        }
        let nodes = settings.nodes.map { NodeAccount(id: $0.id, spi: $0.spi, key: $0.key, quota: $0.quota) }
        self.init(router: settings.id, epoch: epoch, endpoints: settings.endpoints, links: links, nodes: nodes)
        leaseLifetime = TimeSpan(seconds: settings.leaseLifetime)
        inactivity = TimeSpan(seconds: settings.inactivity)
        grace = TimeSpan(seconds: settings.grace)
        quarantine = TimeSpan(seconds: settings.quarantine)
        advertisementInterval = TimeSpan(seconds: settings.advertisementInterval)
        rateLimit = RateLimit(perSecond: settings.messageRate, burst: settings.messageBurst)
        bicast = settings.bicast
        mtu = settings.coreMTU
        randomSeed = UInt64.random(in: .min ... .max)
    }
}

extension TimeSpan {
    init(seconds: Double) { self.init(nanoseconds: Int64(seconds * 1e9)) }

    var seconds: Double { Double(nanoseconds) / 1e9 }
}

extension PortNumbers {
    /// Numbers of the configured interfaces, as they were at former starts; stored before they are used.
    static func stored(_ names: [String], path: String) throws(DaemonError) -> [String: PortIndex] {
        let bytes = try StateFile.read(path) ?? []
        let former = (try? JSONDecoder().decode([String: PortIndex].self, from: Data(bytes))) ?? [:]
        let numbers = assign(names, keeping: former)
        // Those of interfaces that are not configured now are remembered while their number is free.
        let all = numbers.merging(former.filter { !numbers.values.contains($0.value) }) { current, _ in current }
        if all != former {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys]
            guard let data = try? encoder.encode(all) else { throw .storage("can't encode \(path)") }
            try StateFile.write(Array(data), to: path)
        }
        return numbers
    }
}
