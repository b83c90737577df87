import AnchorCore
import AnchorProtocol
import NetworkTypes

/// An access router: a machine that a crash takes away, and a data plane that stays.
struct SimulatedRoamingRouter {
    let name: String
    let configuration: RoamingConfiguration
    /// Its clock is so much ahead.
    let clockOffset: TimeSpan
    /// `nil` while the daemon is down.
    var machine: Roaming?
    /// Runs of the daemon, to tell what an earlier one had planned.
    var run = 0
    var timer: MonotonicInstant?
    /// The host table.
    var table: [IPAddress: RoamingBinding] = [:]
    /// Flows that began here (UP), and those that began elsewhere with the router that they did at (AWAY).
    var up: [IPAddress: Set<Int>] = [:]
    var away: [IPAddress: [Int: String]] = [:]
    /// Packets of claimed hosts, in the daemon.
    var held: [IPAddress: [RoamingPacket]] = [:]
    /// Walks of tables that wait, and the number of the next message.
    var walks: [IPAddress: [TableWalk]] = [:]
    var nextNumber: [IPAddress: UInt32] = [:]
    /// The daemon dies when it has done so many more of its actions.
    var dyingAfter: Int?

    struct TableWalk {
        var epoch: UInt32
        var to: String
        var anchors: Set<String>
        var isLast: Bool
    }
}

/// A packet of a flow between a host and its correspondent.
struct RoamingPacket {
    enum Direction { case up, down }

    var host: IPAddress
    var flow: Int
    var direction: Direction
    /// TCP's SYN.
    var isFirst: Bool
    var sent: MonotonicInstant
    /// The routers that it has left.
    var path: [Int] = []
    /// A table of flows said that its anchor is where it goes.
    var isKnown = false
}

/// A node that knows nothing.
struct SimulatedRoamingHost {
    let address: IPAddress
    let mac: MACAddress
    /// The router that it is at; `nil` on its way.
    var place: Int?
    var isStill = false

    func neighbour(_ router: Int) -> Neighbour { Neighbour(mac: mac, interface: InterfaceID(UInt32(router))) }
}

struct SimulatedRoamingFlow {
    let host: Int
    let isTCP: Bool
    /// The router that it began at, once its first packet has left.
    var anchor: String?
    var anchored: MonotonicInstant?
    var isEnded = false
    /// Somebody had to let its host in without knowing who had it: it may break, or begin anew elsewhere.
    var isExcused = false
}
