import AnchorProtocol
import NetworkTypes

/// What a router knows of a roaming host.
struct RoamingRecord: Sendable {
    enum Place: Sendable {
        /// It is here, and who had it is being asked.
        case claiming(RoamingSearch)
        case here
        /// At another router; `away` tells.
        case away
        /// Nowhere; kept until those that must know do.
        case gone
    }

    let address: IPAddress
    var epoch: UInt32
    var place: Place
    /// Where it is on this router, or was last.
    var neighbour: Neighbour?
    /// `nil`: longer ago than is known.
    var attached: MonotonicInstant?
    var lastSeen: MonotonicInstant
    /// Other routers with flows of it. Away: those that are known since it was here.
    var anchors: Set<String> = []
    /// Here: routers whose tables are waited for, as they are asked. Away: those that whoever has it waits for, this one
    /// among them.
    var chain: [String] = []
    /// Of the chain: tables that are here.
    var arrived: Set<String> = []
    /// Of the chain: routers that there has been no session with for too long to wait for.
    var lost: Set<String> = []
    /// Next number of each table that comes.
    var expected: [String: UInt32] = [:]
    /// Routers whose tables came, or part of them, when they could not be taken: they have to begin anew.
    var missed: Set<String> = []
    /// Routers that packets on their way are taken from, until then.
    var former: [String: MonotonicInstant] = [:]
    /// Routers that may have it too: they have not answered a claim.
    var unanswered: Set<String> = []
    /// Routers that have to be told the place, or that it is nowhere, and have not said that they know.
    var untold: Set<String> = []
    var tellAgain: MonotonicInstant?
    /// Until when untold routers are tried.
    var tellEnd: MonotonicInstant?
    /// When a router without a session is given up: anchors and the place.
    var leases: [String: MonotonicInstant] = [:]
    /// When a router of the chain without a session isn't waited for any more.
    var unlinks: [String: MonotonicInstant] = [:]
    /// Not translated, and attached here first.
    var isHome = false
    /// From before a restart, and being looked for: what there is of its flows isn't known.
    var isAdopted = false
    var away: RoamingAway?
    var installed: RoamingBinding?
    /// There is no more to know of it.
    var isForgotten = false

    init(_ address: IPAddress, epoch: UInt32, place: Place, neighbour: Neighbour?, at now: MonotonicInstant) {
        self.address = address
        self.epoch = epoch
        self.place = place
        self.neighbour = neighbour
        attached = now
        lastSeen = now
    }

    var isHere: Bool { if case .here = place { true } else { false } }
    var isAway: Bool { if case .away = place { true } else { false } }

    var search: RoamingSearch? {
        get { if case .claiming(let search) = place { search } else { nil } }
        set { if let newValue { place = .claiming(newValue) } }
    }

    /// Everything that has a time, the earliest.
    var nextDeadline: MonotonicInstant? {
        var times = Array(former.values) + Array(leases.values) + Array(unlinks.values)
        if let time = tellAgain { times.append(time) }
        if let search { times.append(search.deadline) }
        if let away {
            for time in [away.askAgain, away.cleanUp, away.transfer?.deadline] { if let time { times.append(time) } }
        }
        return times.min()
    }

    /// What other routers have of it.
    var sharers: Set<String> { anchors.union(chain) }
}

/// The search for the router that had a host which is attached here.
struct RoamingSearch: Sendable {
    /// Routers that were asked, and those that have not answered.
    var asked: Set<String> = []
    var outstanding: Set<String> = []
    /// All that could be have been asked.
    var isWide = false
    var began: MonotonicInstant
    /// When the last ones were asked.
    var lastAsked: MonotonicInstant
    var deadline: MonotonicInstant
    /// Grants of routers that speak for themselves only, until all have answered.
    var partial: [(peer: String, grant: Grant)] = []
    /// Routers that have no flow of it, whoever says so.
    var released: Set<String> = []
    /// Claims of others meanwhile.
    var kept: [String: KeptClaim] = [:]

    init(asked: Set<String> = [], began: MonotonicInstant, deadline: MonotonicInstant) {
        self.asked = asked
        self.began = began
        lastAsked = began
        self.deadline = deadline
    }

    struct KeptClaim: Sendable {
        var attached: MonotonicInstant
        var knownEpoch: UInt32
        var mac: MACAddress
    }
}

/// A host that is at another router.
struct RoamingAway: Sendable {
    var at: String
    /// Who said so, other than the router that it is at.
    var granter: String?
    /// Handed over then, or followed.
    var since: MonotonicInstant
    /// Packets of unknown flows begin none here.
    var isAsked = false
    /// The table has arrived there.
    var isAcknowledged = false
    var transfer: RoamingTransfer?
    /// All of it has been sent in this epoch.
    var wasSent = false
    /// Flows that began here may be left.
    var hasFlows = true
    /// Told that none is left, and waiting for the answer.
    var isReleasing = false
    /// When the place is asked again whether it knows.
    var askAgain: MonotonicInstant?
    /// When what only packets on their way need is taken out.
    var cleanUp: MonotonicInstant?
}

/// A table of flows that is being sent.
struct RoamingTransfer: Sendable {
    /// Anchors that have not said that they know the new place; flows that began there are held back until then.
    var waiting: Set<String>
    /// Until when.
    var deadline: MonotonicInstant?
    /// Somebody else tells the anchors, and says when he has.
    var isToldByOther = false
    /// Walks of the table that have not been reported as sent.
    var outstandingWalks = 0
    var sentAnchors: Set<String> = []
    var isLastSent = false
    var isSent: Bool { isLastSent && outstandingWalks == 0 }
}
