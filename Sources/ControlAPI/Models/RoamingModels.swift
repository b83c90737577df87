import NetworkTypes

/// A node that knows nothing of its routers [0077], by one of its addresses: where it is, and who has flows of it.
public struct NodeModel: Hashable, Sendable, Codable {
    public enum Place: String, Sendable, Codable, CaseIterable {
        /// On a link of this router.
        case here
        /// The same; where it was before isn't known yet.
        case claimed
        /// At the neighbour `router`.
        case away
        /// Nowhere any more; neighbours are being told.
        case nowhere
    }

    public var address: IPAddress
    public var place: Place
    /// One more at each of its moves from router to router.
    public var epoch: UInt32
    /// The neighbour that it is at.
    public var router: String?
    public var interface: String?
    public var mac: MACAddress?
    /// Neighbours where flows of it began.
    public var anchors: [String]
    /// Routers whose tables of its flows have not arrived where it is, in the order in which they are asked.
    public var pending: [String]
    /// Of IPv4 flows, those that began here, and elsewhere; absent in lists.
    public var flowsHere: Int?
    public var flowsAway: Int?

    public init(address: IPAddress, place: Place, epoch: UInt32, anchors: [String] = [], pending: [String] = []) {
        self.address = address
        self.place = place
        self.epoch = epoch
        self.anchors = anchors
        self.pending = pending
    }
}

/// Where an access point, say, has seen a node: without waiting for its first packet.
public struct StationModel: Hashable, Sendable, Codable {
    public var interface: String
    public var mac: MACAddress
    /// Name of the router that it was at before, if the node, or its access point, says so [0085].
    public var previous: String?

    public init(interface: String, mac: MACAddress, previous: String? = nil) {
        self.interface = interface
        self.mac = mac
        self.previous = previous
    }
}

/// A node's move to or from this router.
public struct HandoverModel: Hashable, Sendable, Codable {
    /// A step, and when it was done: seconds since the handover began.
    public struct Step: Hashable, Sendable, Codable {
        public var name: String
        public var after: Double

        public init(_ name: String, after: Double) {
            self.name = name
            self.after = after
        }
    }

    /// Counts from 1 since the daemon's start.
    public var number: UInt64
    public var address: IPAddress
    public var epoch: UInt32
    /// Absent for a node that was nowhere.
    public var from: String?
    public var to: String
    /// Routers that were asked for the node, where it is here; the one that had it decides [0085].
    public var asked: [String]
    /// Seconds ago.
    public var begun: Double
    /// `settled`: its packets go on, at the router that it went to; `whole`: all of its flows are known there.
    public var steps: [Step]

    public init(
        number: UInt64, address: IPAddress, epoch: UInt32, from: String?, to: String, asked: [String] = [],
        begun: Double, steps: [Step]
    ) {
        self.number = number
        self.address = address
        self.epoch = epoch
        self.from = from
        self.to = to
        self.asked = asked
        self.begun = begun
        self.steps = steps
    }
}
