import AnchorDataPlane
import Dispatch
import NetworkTypes

/// Flows of hosts that roam: puts those of other routers' tables into this one's, takes them out and looks for what is
/// left, beside its owner's queue, which others' handovers need: a table of a hundred thousand takes a tenth of a second.
///
/// All of it is called on the owner's queue, which is what makes it safe to hand around.
final class HostFlows: @unchecked Sendable {
    /// Puts flows of a host into the table, within what room it has.
    typealias Insertion = @Sendable ([RoamingFlow], IPAddress, inout AwayRoom) -> Void

    private let nat: NATTable
    private let insert: Insertion
    private let owner: DispatchQueue
    private let queue = DispatchQueue(label: "flows of other routers")
    /// Parts of tables that wait. Where there are more, the owner waits, and with it the neighbours that send them.
    private let room = DispatchSemaphore(value: 128)
    /// Hosts of which something is under way, and how much.
    private var pending: [IPAddress: Int] = [:]
    /// Of hosts whose tables are coming; on its own queue.
    private var rooms: [IPAddress: AwayRoom] = [:]

    /// - Parameters:
    ///   - owner: the queue that it is called on.
    init(_ nat: NATTable, owner: DispatchQueue, insert: @escaping Insertion) {
        self.nat = nat
        self.owner = owner
        self.insert = insert
    }

    /// - Parameters:
    ///   - flows: of the host, the anchors as this router numbers them.
    ///   - isFirst: the first ones of a table.
    ///   - completion: called on the owner's queue, behind all that went before, with the anchors of all flows of the host
    ///     that began elsewhere; `nil` where nobody has to know.
    func add(
        _ flows: [RoamingFlow], of host: IPAddress, isFirst: Bool, completion: (@Sendable (Set<UInt32>) -> Void)? = nil
    ) {
        pending[host, default: 0] += 1
        room.wait()
        queue.async { [self] in
            var left = (isFirst ? nil : rooms[host]) ?? nat.awayRoom(of: host)
            insert(flows, host, &left)
            room.signal()
            rooms[host] = completion == nil ? left : nil
            let anchors = left.routers
            owner.async { [self] in
                done(host)
                completion?(anchors)
            }
        }
    }

    /// Takes out a host's flows that began at a router, or at all others, those under way included.
    func remove(_ host: IPAddress, router: UInt32?) {
        pending[host, default: 0] += 1
        queue.async { [self] in
            _ = nat.removeAway(of: host, router: router)
            rooms[host] = nil
            owner.async { [self] in done(host) }
        }
    }

    /// Looks for flows of hosts that began here and are alive: the chain of one may be long, and those at its end.
    /// - Parameter completion: called on the owner's queue with the hosts that have none.
    func findHostsWithoutFlows(_ hosts: [IPAddress], completion: @escaping @Sendable ([IPAddress]) -> Void) {
        queue.async { [self] in
            let without = hosts.filter { host in
                var isAlive = false
                nat.flows(of: host) { flow in
                    isAlive = flow.anchor == nil && !flow.isClosing
                    return !isAlive
                }
                return !isAlive
            }
            owner.async { completion(without) }
        }
    }

    /// Returns when nothing of the host is under way any more.
    func wait(for host: IPAddress) {
        if pending[host] != nil { queue.sync {} }
    }

    private func done(_ host: IPAddress) {
        let left = pending[host, default: 1] - 1
        pending[host] = left > 0 ? left : nil
    }
}
