import AnchorDataPlane
import AnchorProtocol
import NetworkTypes
import Synchronization

/// Which tables of flows are being sent, so that those can be called off that nobody waits for any more.
final class FlowSending: Sendable {
    /// Flows in one message: the other end puts them into its tables in a millisecond.
    static let part = 1024

    private struct State {
        /// Of each host with flows that are sent: another number each time that they were called off.
        var turns: [IPAddress: UInt64] = [:]
        var lastTurn: UInt64 = 0
        /// Number of the next message.
        var numbers: [IPAddress: UInt32] = [:]
    }

    private let state = Mutex(State())

    func turn(of host: IPAddress) -> UInt64 { state.withLock { $0.turns[host, default: 0] } }

    func cancel(_ host: IPAddress) {
        state.withLock { state in
            state.lastTurn += 1
            state.turns[host] = state.lastTurn
            state.numbers[host] = nil
        }
    }

    /// Nothing is on its way or will be.
    func forget(_ host: IPAddress) {
        state.withLock { state in
            state.turns[host] = nil
            state.numbers[host] = nil
        }
    }

    /// - Returns: the number of the next message; `nil` if the flows were called off.
    private func number(_ host: IPAddress, _ turn: UInt64) -> UInt32? {
        state.withLock { state in
            guard state.turns[host, default: 0] == turn else { return nil }
            defer { state.numbers[host, default: 0] += 1 }
            return state.numbers[host, default: 0]
        }
    }

    /// A table, or a part of one.
    struct Job: Sendable {
        var host: IPAddress
        var epoch: UInt32
        var peer: String
        var own: String
        var anchoredAt: Set<String>
        var isLast: Bool
        var turn: UInt64
    }

    /// Sends the flows of a host.
    /// - Parameter routers: names of the other routers, by their indices.
    /// - Returns: where those that were sent began; `nil` if they were called off, or the session has ended.
    func send(
        _ job: Job, of dataPlane: KernelDataPlane, routers: [Int: String], by outbox: PeerOutbox
    ) async -> Set<String>? {
        var table = Table(job, dataPlane, routers)
        repeat {
            let flows = table.next(Self.part)
            let isLast = job.isLast && table.isAtEnd
            if flows.isEmpty, !isLast { break }
            guard let number = number(job.host, job.turn) else { return nil }
            let message = Flows(
                host: RoamingHost(job.host), epoch: job.epoch, number: number, isLast: isLast, anchors: table.anchors,
                flows: flows)
            guard await outbox.deliver(.flows(message), to: job.peer) else { return nil }
        } while !table.isAtEnd
        return Set(table.anchors)
    }

    /// The flows of a host as they were when it was made, in the form in which they are sent.
    private struct Table {
        private(set) var anchors: [String] = []
        private var flows: [FlowRecord] = []
        private var place = 0

        init(_ job: Job, _ dataPlane: KernelDataPlane, _ routers: [Int: String]) {
            guard job.host.isV4 else { return }
            var flows: [FlowRecord] = []
            var indices: [String: UInt8] = [:]
            dataPlane.nat.flows(of: job.host) { flow in
                let anchor = flow.anchor.map { routers[Int($0)] } ?? job.own
                guard let anchor, job.anchoredAt.contains(anchor), anchor != job.peer, !flow.isClosing else {
                    return true
                }
                let index = indices[anchor] ?? UInt8(indices.count)
                indices[anchor] = index
                let idle = (try? dataPlane.idle(flow))?.components.seconds ?? 0
                flows.append(
                    FlowRecord(
                        anchor: index, transport: flow.transport, localPort: flow.localPort,
                        remote: flow.remote.v4Bits ?? 0, remotePort: flow.remotePort,
                        idle: UInt16(clamping: idle), seen: UInt16(truncatingIfNeeded: flow.seen)))
                return true
            }
            self.flows = flows
            anchors = indices.sorted { $0.value < $1.value }.map(\.key)
        }

        var isAtEnd: Bool { place == flows.count }

        mutating func next(_ count: Int) -> [FlowRecord] {
            let end = min(flows.count, place + count)
            defer { place = end }
            return Array(flows[place..<end])
        }
    }
}
