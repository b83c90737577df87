import FlowAnchorABI
import NetworkTypes

@testable import AnchorDataPlane

/// What packets have left in the NAT's tables. What has been used is used since traces were taken the last time.
struct NATTrace: Equatable {
    struct Flow: Hashable {
        var outside: ModelNAT.Endpoint
        var up: ModelNAT.Seen
        var down: ModelNAT.Seen
        var wasUsedUp: Bool
        var wasUsedDown: Bool
    }

    struct Shared: Hashable {
        /// Of a mapping.
        var outside: ModelNAT.Endpoint?
        var users: Int
        var wasUsed: Bool
    }

    struct Away: Hashable {
        var router: UInt32
        var seen: ModelNAT.Seen
        var wasUsed: Bool
    }

    struct Subscriber: Hashable {
        var flows: Int
        var refused: Int
        var wantsBlock: Bool
    }

    var flows: [ModelNAT.Tuple: Flow] = [:]
    var mappings: [ModelNAT.MappingKey: Shared] = [:]
    var filters: [ModelNAT.FilterKey: Shared] = [:]
    var away: [ModelNAT.Tuple: Away] = [:]
    var subscribers: [IPAddress: Subscriber] = [:]
    /// A bit for each that is taken, in words as the programs have them.
    var ports: [ModelNAT.Ports.Key: [UInt64]] = [:]
    var slots = 0
    /// What does not fit together.
    var faults: [String] = []

    /// Some of what differs.
    static func difference(_ programs: NATTrace, _ model: NATTrace) -> String {
        let lines = [
            different(programs.flows, model.flows), different(programs.mappings, model.mappings),
            different(programs.filters, model.filters), different(programs.subscribers, model.subscribers),
            different(programs.ports, model.ports), different(programs.away, model.away),
            "slots: model \(model.slots), programs \(programs.slots)",
        ]
        return (lines.filter { !$0.isEmpty } + programs.faults.prefix(5)).joined(separator: "\n")
    }
}

extension ModelDataPlane {
    /// Before ``takeTraces()``, which lets time pass.
    func natTrace() -> NATTrace {
        tables.withLock { tables in
            let nat = tables.nat
            var trace = NATTrace()
            trace.flows = nat.flows.mapValues {
                .init(
                    outside: $0.outside, up: $0.up, down: $0.down, wasUsedUp: $0.lastUp == nat.now,
                    wasUsedDown: $0.lastDown == nat.now)
            }
            trace.mappings = nat.mappings.mapValues {
                .init(outside: $0.outside, users: $0.users, wasUsed: $0.lastUsed == nat.now)
            }
            trace.filters = nat.filters.mapValues { .init(users: $0.users, wasUsed: $0.made == nat.now) }
            trace.away = nat.away.mapValues {
                .init(router: $0.router, seen: $0.seen, wasUsed: $0.last == nat.now)
            }
            trace.subscribers = nat.subscribers.mapValues {
                .init(flows: $0.flows, refused: $0.refused, wantsBlock: $0.wantsBlock)
            }
            trace.ports = nat.ports.taken.filter { !$0.value.isEmpty }.mapValues { places in
                var words = [UInt64](repeating: 0, count: PortBlock.size / ModelNAT.Ports.group)
                for place in places { words[place / ModelNAT.Ports.group] |= 1 << UInt64(place % ModelNAT.Ports.group) }
                return words
            }
            trace.slots = nat.slots.used
            return trace
        }
    }
}
