import NetworkTypes

/// What an operator may ask of a running daemon. The REST server serves it, `anchorctl` calls it through
/// ``ControlClient``; what they exchange are the models of this module and nothing else.
public protocol ControlService: Sendable {
    func status() async throws(ControlError) -> StatusModel

    /// All hosts of an access router, in the order of their addresses.
    func hosts() async throws(ControlError) -> [HostModel]
    /// Makes or replaces a host that no message made and no lifetime ends.
    func setHost(_ host: StaticHostModel) async throws(ControlError) -> HostModel
    func deleteHost(_ address: IPAddress) async throws(ControlError)

    /// The flow table of a mobile node [0037].
    func flows() async throws(ControlError) -> [FlowModel]
    /// A mobile node's own addresses and their anchors.
    func anchors() async throws(ControlError) -> [AnchorModel]
    /// Has a mobile node attach now.
    func attach(_ request: AttachModel) async throws(ControlError)

    /// Hosts whose packets an access router translates, in the order of their inside addresses.
    func subscribers() async throws(ControlError) -> [SubscriberModel]
    func subscriber(_ inside: IPAddress) async throws(ControlError) -> SubscriberModel
    /// Flows that an access router translates.
    func translatedFlows(_ query: TranslatedFlowQuery) async throws(ControlError) -> [TranslatedFlowModel]

    /// What an access router would do with a packet, and what it looks up for it. Nothing is changed.
    func explain(_ query: PacketQuery) async throws(ControlError) -> PacketExplanationModel

    /// Nodes that know nothing of their routers, in the order of their addresses.
    func nodes() async throws(ControlError) -> [NodeModel]
    func node(_ address: IPAddress) async throws(ControlError) -> NodeModel
    /// Has a node attached at a station, as its first packet does.
    func attachNode(_ address: IPAddress, _ station: StationModel) async throws(ControlError)
    /// Moves of such nodes to and from this router, the latest last.
    func handovers() async throws(ControlError) -> [HandoverModel]

    func servers() async throws(ControlError) -> [ServerModel]
    /// Takes a server out of service or puts it back; to repeat it changes nothing. It lasts until it is taken back.
    func setServerState(_ name: String, _ state: ServerStateModel) async throws(ControlError) -> ServerModel
    /// The neighbours of an access router, in the order of their names.
    func peers() async throws(ControlError) -> [PeerModel]
    /// A message to a neighbour and back, over the session with it.
    /// - Parameter timeout: seconds.
    func pingPeer(_ name: String, timeout: Double) async throws(ControlError) -> PeerPingModel
    func maps() async throws(ControlError) -> [MapModel]
    /// Entries of a map, decoded; at most `limit`. With a key those that it names, of which there must be one.
    func mapEntries(_ name: String, key: String?, limit: Int) async throws(ControlError) -> [MapEntryModel]
    /// Every reason with its counter, those that are 0 too.
    func reasons() async throws(ControlError) -> [ReasonModel]
    func metrics() async throws(ControlError) -> [MetricModel]
    /// What happens from now on; ends when the consumer stops or the daemon does.
    func events() async -> AsyncStream<EventModel>
    /// Takes the programs off the interfaces, removes everything that is pinned, and ends the daemon.
    func unload() async throws(ControlError)
}

/// Why a wish was not granted. On the wire it is problem details (RFC 9457).
public struct ControlError: Error, Hashable, Sendable, Codable {
    public enum Kind: String, Sendable, Codable, CaseIterable {
        /// The request makes no sense; nothing was changed.
        case invalid
        /// There is no such thing.
        case notFound
        /// It is there, and in the way; or this role doesn't do that.
        case conflict
        /// Not now.
        case unavailable
        /// Our own fault.
        case failure
        /// The daemon can't be reached.
        case unreachable
        /// The caller may not.
        case forbidden
    }

    public var kind: Kind
    /// What is wrong, in a sentence.
    public var detail: String
    /// What to do about it.
    public var nextStep: String?

    public init(_ kind: Kind, _ detail: String, nextStep: String? = nil) {
        self.kind = kind
        self.detail = detail
        self.nextStep = nextStep
    }
}

extension ControlError: CustomStringConvertible {
    public var description: String { nextStep.map { "\(detail); \($0)" } ?? detail }
}
