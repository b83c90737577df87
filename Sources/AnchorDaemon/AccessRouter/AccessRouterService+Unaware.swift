import AnchorCore
import AnchorDataPlane
import Foundation
import NetworkTypes

extension UnawareHosts {
    /// How long an address stays with a silent station when another one claims it.
    private static let patience = TimeSpan.seconds(60)

    init(_ settings: AccessRouterSettings, numbers: [String: PortIndex]) {
        let links = settings.access.filter { !$0.unaware.isEmpty }.map { link in
            Link(
                interface: InterfaceID(numbers[link.interface] ?? 0), blocks: link.unaware,
                gateways: link.gateways.map(\.address) + settings.endpoints,
                chain: ForwardingPlane.chainName(link.servers ?? settings.servers.map(\.name)))
        }
        self.init(
            links, limit: settings.unawareLimit, patience: Self.patience,
            inactivity: TimeSpan(seconds: settings.unawareInactivity))
    }
}

extension AccessRouterService {
    /// Takes over the hosts without a lease that are in the table: nothing else knows of them.
    func adoptUnawareHosts() throws(DataPlaneError) {
        let now = MonotonicClock.now()
        try dataPlane.scanHosts { entry, _ in
            guard entry.isUnaware, let attachment = entry.attachment else { return true }
            let neighbour = Neighbour(mac: attachment.mac, interface: InterfaceID(attachment.port))
            _ = unaware.adopt(entry.key.address, neighbour, at: now)
            return true
        }
    }

    /// Lets in the sender of a frame that the programs have handed over, and sends the frame on.
    func letIn(_ frame: [UInt8], on port: PortIndex) {
        guard let first = FirstPacket(frame) else { return }
        let neighbour = Neighbour(mac: first.station, interface: InterfaceID(port))
        switch unaware.see(first.source, from: neighbour, at: MonotonicClock.now()) {
        case .letIn where roaming != nil, .move where roaming != nil:
            roaming?.attached(first.source, neighbour, HeldFrames.Frame(bytes: frame, port: port))
        case .letIn(let binding):
            attempt {
                try plane.install(CollectionOfOne(binding))
                tell(.attached(node: binding.node, address: binding.address, neighbour.interface))
                try dataPlane.inject(frame, on: port)
                advertise(to: neighbour)
            }
        case .move(let binding):
            attempt {
                try plane.install(CollectionOfOne(binding))
                tell(.moved(node: binding.node, address: binding.address, binding.location))
                try dataPlane.inject(frame, on: port)
                advertise(to: neighbour)
            }
        case .known:
            if roaming?.held.has(first.source) == true {
                roaming?.hold(HeldFrames.Frame(bytes: frame, port: port), of: first.source)
            } else {
                attempt { try dataPlane.inject(frame, on: port) }
                roaming?.followed(first.source)
            }
        case .refuse(let cause):
            counters.count("host-refused-\(cause.rawValue)")
            logger.debug("\(first.source) of \(first.station) was not let in: \(cause.rawValue)")
        }
    }

    /// Forgets hosts without a lease that have been silent for too long.
    func expireUnawareHosts() {
        guard !unaware.isEmpty else { return }
        for address in unaware.expire(at: MonotonicClock.now()) {
            if let roaming {
                roaming.handle(.silent(address))
                continue
            }
            attempt {
                let entry = try dataPlane.host(HostKey(address))
                try plane.remove(address)
                let node = entry?.attachment?.mac.bits ?? 0
                tell(.expired(node: node, address: address, .inactivity))
            }
        }
    }
}

extension AccessRouterService {
    /// What hosts that roam need of this.
    func roamingOwner() -> RoamingDriver.Owner {
        let chains = Dictionary(
            settings.access.map {
                ($0.interface, ForwardingPlane.chainName($0.servers ?? settings.servers.map(\.name)))
            }
        ) { first, _ in first }
        return RoamingDriver.Owner(
            chain: { [unowned self] in chains[interfaceName($0)] ?? nil },
            arrived: { [unowned self] in advertise(to: $0) },
            left: { [unowned self] in _ = unaware.delete($0) },
            station: { [unowned self] host in
                guard let neighbour = unaware.neighbour(of: host) else { return nil }
                return (neighbour, unaware.addresses(of: neighbour.mac).filter { $0 != host })
            },
            admit: { [unowned self] host, neighbour in
                switch unaware.see(host, from: neighbour, at: MonotonicClock.now()) {
                case .letIn, .move: true
                case .known, .refuse: false
                }
            },
            inject: { [unowned self] frame in attempt { try dataPlane.inject(frame.bytes, on: frame.port) } },
            tell: { [unowned self] in tell($0) })
    }

    /// News of hosts that roam to the log, the counters and whoever watches.
    private func tell(_ report: RoamingReport) {
        let news = RoamingNews(report)
        counters.count(news.kind)
        if logger.logLevel <= news.level {
            logger.log(level: news.level, "\(news.text)", metadata: news.fields.mapValues { "\($0)" })
        }
        events.tell(news.kind, news.text, news.fields)
    }
}

/// What a frame says of its sender.
struct FirstPacket: Hashable {
    var station: MACAddress
    var source: IPAddress

    /// - Returns: `nil` for a frame that holds no IP packet.
    init?(_ frame: [UInt8]) {
        guard frame.count >= 14 else { return nil }
        station = MACAddress(bits: frame[6..<12].reduce(0) { $0 << 8 | UInt64($1) })
        var cursor = 12
        // At most two tags, as the programs look behind.
        for _ in 0..<2 {
            guard cursor + 2 <= frame.count else { return nil }
            let type = UInt16(frame[cursor]) << 8 | UInt16(frame[cursor + 1])
            guard type == 0x8100 || type == 0x88a8 else { break }
            cursor += 4
        }
        guard cursor + 2 <= frame.count else { return nil }
        let packet = frame[(cursor + 2)...]
        switch UInt16(frame[cursor]) << 8 | UInt16(frame[cursor + 1]) {
        case 0x0800:
            guard packet.count >= 20 else { return nil }
            let bits = packet.dropFirst(12).prefix(4).reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
            source = IPAddress(v4: bits)
        case 0x86dd:
            guard packet.count >= 40 else { return nil }
            func half(_ place: Int) -> UInt64 {
                packet.dropFirst(place).prefix(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
            }
            source = IPAddress(high: half(8), low: half(16))
        default: return nil
        }
    }
}
