import FlyingFox
import FlyingSocks
import Foundation
import NetworkTypes

/// Talks to a daemon over its Unix socket.
public struct ControlClient: ControlService {
    public let socket: String

    public init(socket: String) { self.socket = socket }

    public func status() async throws(ControlError) -> StatusModel { try await get("status") }
    public func hosts() async throws(ControlError) -> [HostModel] { try await get("hosts") }
    public func flows() async throws(ControlError) -> [FlowModel] { try await get("flows") }
    public func anchors() async throws(ControlError) -> [AnchorModel] { try await get("anchors") }
    public func servers() async throws(ControlError) -> [ServerModel] { try await get("servers") }
    public func peers() async throws(ControlError) -> [PeerModel] { try await get("peers") }
    public func nodes() async throws(ControlError) -> [NodeModel] { try await get("nodes") }
    public func node(_ address: IPAddress) async throws(ControlError) -> NodeModel { try await get("nodes/\(address)") }
    public func handovers() async throws(ControlError) -> [HandoverModel] { try await get("handovers") }
    public func maps() async throws(ControlError) -> [MapModel] { try await get("maps") }
    public func reasons() async throws(ControlError) -> [ReasonModel] { try await get("drops") }

    public func subscribers() async throws(ControlError) -> [SubscriberModel] { try await get("nat/subscribers") }

    public func subscriber(_ inside: IPAddress) async throws(ControlError) -> SubscriberModel {
        try await get("nat/subscribers/\(inside)")
    }

    public func translatedFlows(
        _ query: TranslatedFlowQuery
    ) async throws(ControlError) -> [TranslatedFlowModel] {
        var items = [HTTPRequest.QueryItem(name: "limit", value: String(query.limit))]
        if let host = query.host { items.append(.init(name: "host", value: "\(host)")) }
        if let transport = query.transport { items.append(.init(name: "protocol", value: transport.rawValue)) }
        return try decode(await send(.GET, "/v1/nat/flows", query: items))
    }

    public func explain(_ query: PacketQuery) async throws(ControlError) -> PacketExplanationModel {
        var items = [
            HTTPRequest.QueryItem(name: "flow", value: query.flow),
            .init(name: "direction", value: query.direction.rawValue),
            .init(name: "opens", value: "\(query.opens)"),
        ]
        let others = [
            "interface": query.interface, "mac": query.mac.map { "\($0)" }, "key": query.key.map { "\($0)" },
            "sequence": query.sequence.map { "\($0)" }, "length": query.length.map { "\($0)" },
            "tunnel": query.tunnel.map { $0.map(\.description).joined(separator: ",") },
        ]
        for case (let name, let value?) in others { items.append(.init(name: name, value: value)) }
        return try decode(await send(.GET, "/v1/flows/explain", query: items))
    }

    /// A single host.
    public func host(_ address: IPAddress) async throws(ControlError) -> HostModel { try await get("hosts/\(address)") }

    public func setHost(_ host: StaticHostModel) async throws(ControlError) -> HostModel {
        try decode(await send(.PUT, "/v1/hosts/\(host.address)", body: try encode(host)))
    }

    public func deleteHost(_ address: IPAddress) async throws(ControlError) {
        _ = try await send(.DELETE, "/v1/hosts/\(address)")
    }

    public func setServerState(
        _ name: String, _ state: ServerStateModel
    ) async throws(ControlError) -> ServerModel {
        try decode(await send(.PUT, "/v1/servers/\(name)/state", body: try encode(state)))
    }

    public func pingPeer(_ name: String, timeout: Double) async throws(ControlError) -> PeerPingModel {
        let query = [HTTPRequest.QueryItem(name: "timeout", value: String(timeout))]
        return try decode(await send(.POST, "/v1/peers/\(name)/ping", query: query))
    }

    public func attachNode(_ address: IPAddress, _ station: StationModel) async throws(ControlError) {
        _ = try await send(.PUT, "/v1/nodes/\(address)/station", body: try encode(station))
    }

    public func attach(_ request: AttachModel) async throws(ControlError) {
        _ = try await send(.POST, "/v1/attach", body: try encode(request))
    }

    public func mapEntries(_ name: String, key: String?, limit: Int) async throws(ControlError) -> [MapEntryModel] {
        var query = [HTTPRequest.QueryItem(name: "limit", value: String(limit))]
        if let key { query.append(.init(name: "key", value: key)) }
        return try decode(await send(.GET, "/v1/maps/\(name)", query: query))
    }

    public func unload() async throws(ControlError) { _ = try await send(.POST, "/v1/unload") }

    /// The server's text, not taken apart again.
    public func metricsText() async throws(ControlError) -> String {
        String(decoding: try await send(.GET, "/metrics"), as: UTF8.self)
    }

    /// The text format carries no structure back: see ``metricsText()``.
    public func metrics() async throws(ControlError) -> [MetricModel] {
        throw ControlError(.invalid, "metrics are text", nextStep: "use metricsText()")
    }

    /// Ends at once where the daemon can't be reached; ask ``status()`` first for the reason.
    public func events() async -> AsyncStream<EventModel> {
        let socket = socket
        return AsyncStream { continuation in
            let reading = Task {
                defer { continuation.finish() }
                // Where the daemon goes away, the stream ends.
                guard var connection = try? await EventConnection(path: socket) else { return }
                try? await connection.read { continuation.yield($0) }
            }
            continuation.onTermination = { _ in reading.cancel() }
        }
    }

    // MARK: Requests

    private func get<Model: Decodable>(_ path: String) async throws(ControlError) -> Model {
        try decode(await send(.GET, "/v1/\(path)"))
    }

    private func send(
        _ method: HTTPMethod, _ path: String, query: [HTTPRequest.QueryItem] = [], body: Data = Data()
    ) async throws(ControlError) -> Data {
        let status: Int
        let answer: Data
        do {
            // The connection carries the body, so it is read before the client goes.
            let response = try await ControlClient.exchange(socket, method, path, query, body)
            status = response.statusCode.code
            answer = try await response.bodyData
        } catch {
            throw unreachable(error)
        }
        guard !(200..<300).contains(status) else { return answer }
        guard let problem = try? JSONDecoder().decode(ControlError.Problem.self, from: answer) else {
            throw ControlError(.failure, "the daemon answered \(method.rawValue) \(path) with status \(status)")
        }
        throw ControlError(
            ControlError.Kind(rawValue: problem.title) ?? .failure, problem.detail, nextStep: problem.nextStep)
    }

    private static func exchange(
        _ path: String, _ method: HTTPMethod, _ target: String, _ query: [HTTPRequest.QueryItem], _ body: Data
    ) async throws -> HTTPResponse {
        let request = HTTPRequest(
            method: method, version: .http11, path: target, query: query, headers: [.host: "localhost"], body: body)
        var client = HTTPClient()
        let response = try await client.sendHTTPRequest(request, to: .unix(path: path))
        guard case .httpBody(let sequence) = response.payload, sequence.count != nil else { return response }
        let data = try await response.bodyData
        return HTTPResponse(statusCode: response.statusCode, headers: response.headers, body: data)
    }

    private func unreachable(_ error: any Error) -> ControlError {
        switch access(socket, R_OK | W_OK) == 0 ? 0 : errno {
        case EACCES, EPERM:
            ControlError(
                .forbidden, "no permission to use \(socket)",
                nextStep: "run as root, or join the group that the configuration names in control-group")
        case ENOENT:
            ControlError(
                .unreachable, "no daemon listens on \(socket): there is no such socket",
                nextStep: "start it with 'anchord --config FILE', or name its socket with --socket")
        default:
            ControlError(
                .unreachable, "no daemon answers on \(socket) (\(error))",
                nextStep: "start it with 'anchord --config FILE', or name its socket with --socket")
        }
    }

    private func encode(_ model: some Encodable) throws(ControlError) -> Data {
        do { return try JSONEncoder.control.encode(model) } catch { throw ControlError(.invalid, "\(error)") }
    }

    private func decode<Model: Decodable>(_ data: Data) throws(ControlError) -> Model {
        do {
            return try JSONDecoder().decode(Model.self, from: data)
        } catch {
            let detail = (error as? DecodingError)?.summary ?? "\(error)"
            throw ControlError(
                .failure, "the daemon's answer is not understood: \(detail)",
                nextStep: "use an anchorctl of the daemon's version")
        }
    }
}
