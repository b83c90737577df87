import FlowAnchorABI
import NetworkTypes

@testable import AnchorDataPlane

/// What packets have changed in a host's entry.
struct HostTrace: Hashable {
    /// Numbers in a sequenced tunnel: the next one, and the last one that was delivered.
    var transmit: UInt32
    var receive: UInt32?
    /// Whether a packet of it was seen lately.
    var wasSeen: Bool
}

extension KernelDataPlane {
    /// What packets have changed, seen since this was asked for the last time.
    func takeTraces() throws -> [HostKey: HostTrace] {
        var traces: [HostKey: HostTrace] = [:]
        try state.withLock { state in
            try state.hosts.visit { host, extra in
                traces[HostKey(host.address.address)] = HostTrace(
                    transmit: extra.transmit_sequence,
                    receive: extra.receive_sequence >> 32 == 0
                        ? nil : UInt32(truncatingIfNeeded: extra.receive_sequence),
                    wasSeen: host.last_seen != 0)
                return true
            }
        }
        // At no time that the programs write.
        let place = MemoryLayout<fa_host>.offset(of: \.last_seen)!
        for index in 0..<maps.hosts.count {
            maps.hosts.pointer(to: index).storeBytes(of: 0, toByteOffset: place, as: UInt32.self)
        }
        return traces
    }
}

extension ModelDataPlane {
    /// What packets have changed, seen since this was asked for the last time.
    func takeTraces() -> [HostKey: HostTrace] {
        defer { advance(by: .seconds(1)) }
        return tables.withLock { tables in
            tables.hosts.mapValues { host in
                HostTrace(
                    transmit: host.transmitSequence, receive: host.receiveSequence,
                    wasSeen: host.lastSeen == tables.now)
            }
        }
    }
}
