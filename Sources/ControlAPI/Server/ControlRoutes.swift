import FlyingFox
import Foundation
import NetworkTypes

/// The paths of the API.
struct ControlRoutes: Sendable {
    private let service: any ControlService

    init(_ service: some ControlService) { self.service = service }

    func answer(_ request: HTTPRequest) async throws -> HTTPResponse {
        let parts = request.path.split(separator: "/").map(String.init)
        switch (request.method, parts.first, Array(parts.dropFirst())) {
        case (.GET, "metrics", []):
            let text = try await service.metrics().map(\.exposition).joined()
            return HTTPResponse(
                statusCode: .ok, headers: [.contentType: "text/plain; version=0.0.4"], body: Data(text.utf8))
        case (.GET, "openapi.json", []):
            return HTTPResponse(
                statusCode: .ok, headers: [.contentType: "application/json"], body: Data(OpenAPI.document.utf8))
        case (let method, "v1", let path):
            return try await answer(method, path, request)
        default:
            throw ControlError(.notFound, "no \(request.path) here", nextStep: "GET /openapi.json lists what is")
        }
    }

    private func answer(_ method: HTTPMethod, _ path: [String], _ request: HTTPRequest) async throws -> HTTPResponse {
        switch (method, path.first, path.count) {
        case (.GET, "status", 1): try await .json(service.status())
        case (.GET, "hosts", 1): try await .json(service.hosts())
        case (.GET, "hosts", 2): try await .json(host(path[1]))
        case (.PUT, "hosts", 2): try await .json(setHost(path[1], request))
        case (.DELETE, "hosts", 2): try await deleteHost(path[1])
        case (.GET, "flows", 1): try await .json(service.flows())
        case (.GET, "flows", 2) where path[1] == "explain": try await .json(service.explain(packetQuery(request)))
        case (.GET, "anchors", 1): try await .json(service.anchors())
        case (.POST, "attach", 1): try await attach(request)
        case (.GET, "nat", 2...) where path[1] == "subscribers": try await subscribers(path)
        case (.GET, "nat", 2) where path[1] == "flows": try await .json(translatedFlows(request))
        case (.GET, "nodes", 1): try await .json(service.nodes())
        case (.GET, "nodes", 2): try await .json(service.node(address(path[1])))
        case (.PUT, "nodes", 3) where path[2] == "station": try await attachNode(path[1], request)
        case (.GET, "handovers", 1): try await .json(service.handovers())
        case (.GET, "handovers", 2): try await .json(handover(path[1]))
        case (.GET, "servers", 1): try await .json(service.servers())
        case (.PUT, "servers", 3...) where path.last == "state": try await .json(setServerState(request))
        case (.GET, "peers", 1): try await .json(service.peers())
        case (.POST, "peers", 3) where path[2] == "ping": try await .json(pingPeer(path[1], request))
        case (.GET, "maps", 1): try await .json(service.maps())
        case (.GET, "maps", 2): try await .json(mapEntries(path[1], request))
        case (.GET, "drops", 1): try await .json(service.reasons())
        case (.GET, "events", 1): await events()
        case (.POST, "unload", 1): try await unload()
        default:
            throw ControlError(
                .notFound, "no \(method.rawValue) \(request.path) here", nextStep: "GET /openapi.json lists what is")
        }
    }

    private func host(_ text: String) async throws -> HostModel {
        let address = try address(text)
        guard let host = try await service.hosts().first(where: { $0.address == address }) else {
            throw ControlError(.notFound, "\(address) is no host of this router")
        }
        return host
    }

    private func setHost(_ text: String, _ request: HTTPRequest) async throws -> HostModel {
        let host: StaticHostModel = try await decode(request)
        guard try address(text) == host.address else {
            throw ControlError(.invalid, "the path says \(text) and the body \(host.address)")
        }
        return try await service.setHost(host)
    }

    private func subscribers(_ path: [String]) async throws -> HTTPResponse {
        switch path.count {
        case 2: return try .json(await service.subscribers())
        case 3: return try .json(await service.subscriber(address(path[2])))
        default: throw ControlError(.notFound, "no such path", nextStep: "GET /openapi.json lists what is")
        }
    }

    private func translatedFlows(_ request: HTTPRequest) async throws -> [TranslatedFlowModel] {
        var query = TranslatedFlowQuery(limit: try limit(request))
        if let text = request.query.first(where: { $0.name == "host" })?.value { query.host = try address(text) }
        if let text = request.query.first(where: { $0.name == "protocol" })?.value {
            guard let transport = TranslatedFlowQuery.Transport(rawValue: text) else {
                throw ControlError(.invalid, "protocol '\(text)' is none of tcp, udp, icmp")
            }
            query.transport = transport
        }
        return try await service.translatedFlows(query)
    }

    private func packetQuery(_ request: HTTPRequest) throws -> PacketQuery {
        func text(_ name: String) -> String? { request.query.first { $0.name == name }?.value }
        func number<Number: FixedWidthInteger>(_ name: String) throws -> Number? {
            guard let text = text(name) else { return nil }
            guard let number = Number(text) else { throw ControlError(.invalid, "\(name) '\(text)' is no such number") }
            return number
        }
        guard let flow = text("flow") else {
            throw ControlError(.invalid, "no flow", nextStep: "write flow=tcp,ADDRESS:PORT,CORRESPONDENT:PORT")
        }
        var query = PacketQuery(flow: flow, interface: text("interface"))
        if let text = text("direction") {
            guard let direction = PacketQuery.Direction(rawValue: text) else {
                throw ControlError(.invalid, "direction '\(text)' is neither up nor down")
            }
            query.direction = direction
        }
        query.tunnel = try text("tunnel")?.split(separator: ",").map { try address(String($0)) }
        (query.key, query.sequence, query.length) = (try number("key"), try number("sequence"), try number("length"))
        if let text = text("mac") {
            guard let mac = MACAddress(text) else { throw ControlError(.invalid, "'\(text)' is not a MAC address") }
            query.mac = mac
        }
        if let text = text("opens") {
            guard let opens = Bool(text) else {
                throw ControlError(.invalid, "opens '\(text)' is neither true nor false")
            }
            query.opens = opens
        }
        return query
    }

    private func deleteHost(_ text: String) async throws -> HTTPResponse {
        try await service.deleteHost(address(text))
        return HTTPResponse(statusCode: .noContent)
    }

    /// A server's name may hold any character: it is what stands between `/v1/servers/` and `/state`.
    private func setServerState(_ request: HTTPRequest) async throws -> ServerModel {
        let parts = request.target.path().split(separator: "/").dropFirst(2).dropLast()
        let name = parts.joined(separator: "/")
        return try await service.setServerState(name.removingPercentEncoding ?? name, decode(request))
    }

    private func pingPeer(_ name: String, _ request: HTTPRequest) async throws -> PeerPingModel {
        let text = request.query.first { $0.name == "timeout" }?.value ?? "2"
        guard let timeout = Double(text), (0.001...60).contains(timeout) else {
            throw ControlError(.invalid, "timeout '\(text)' is not a number of seconds, 0.001 to 60")
        }
        return try await service.pingPeer(name.removingPercentEncoding ?? name, timeout: timeout)
    }

    private func attach(_ request: HTTPRequest) async throws -> HTTPResponse {
        try await service.attach(decode(request))
        return HTTPResponse(statusCode: .accepted)
    }

    private func attachNode(_ text: String, _ request: HTTPRequest) async throws -> HTTPResponse {
        try await service.attachNode(address(text), decode(request))
        return HTTPResponse(statusCode: .accepted)
    }

    private func handover(_ text: String) async throws -> HandoverModel {
        guard let number = UInt64(text) else { throw ControlError(.invalid, "'\(text)' is not a handover's number") }
        guard let found = try await service.handovers().first(where: { $0.number == number }) else {
            throw ControlError(.notFound, "no handover \(number); only the last ones are kept")
        }
        return found
    }

    private func unload() async throws -> HTTPResponse {
        try await service.unload()
        return HTTPResponse(statusCode: .noContent)
    }

    /// JSON lines for as long as the reader stays.
    private func events() async -> HTTPResponse {
        HTTPResponse(
            statusCode: .ok, headers: [.contentType: "application/jsonl"],
            body: HTTPBodySequence(from: EventLines(await service.events())))
    }

    private func address(_ text: String) throws -> IPAddress {
        guard let address = IPAddress(text.removingPercentEncoding ?? text) else {
            throw ControlError(.invalid, "'\(text)' is not an IP address")
        }
        return address
    }

    private func mapEntries(_ name: String, _ request: HTTPRequest) async throws -> [MapEntryModel] {
        let key = request.query.first { $0.name == "key" }?.value
        return try await service.mapEntries(name, key: key, limit: limit(request))
    }

    private func limit(_ request: HTTPRequest) throws -> Int {
        guard let text = request.query.first(where: { $0.name == "limit" })?.value else { return 1000 }
        guard let limit = Int(text), limit > 0 else {
            throw ControlError(.invalid, "limit '\(text)' is not a positive number")
        }
        return limit
    }

    private func decode<Model: Decodable>(_ request: HTTPRequest) async throws -> Model {
        let body = try await request.bodyData
        do {
            return try JSONDecoder().decode(Model.self, from: body)
        } catch let error as DecodingError {
            throw ControlError(.invalid, "the body is not what is expected: \(error.summary)")
        }
    }
}

extension DecodingError {
    /// One line that names the place.
    package var summary: String {
        func place(_ context: Context) -> String { context.codingPath.map(\.stringValue).joined(separator: ".") }
        return switch self {
        case .keyNotFound(let key, _): "'\(key.stringValue)' is missing"
        case .valueNotFound(_, let context), .typeMismatch(_, let context): "'\(place(context))': wrong type"
        case .dataCorrupted(let context):
            context.codingPath.isEmpty ? "no JSON" : "'\(place(context))': \(context.debugDescription)"
        @unknown default: "\(self)"
        }
    }
}
