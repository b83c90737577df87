/// The description of the API that the server hands out.
enum OpenAPI {
    /// OpenAPI 3.1, JSON. Its schemas say which fields there are; the models' comments say what they mean.
    static var document: String {
        """
        {"openapi":"3.1.0","info":{"title":"FlowAnchor control API","version":"1"},\
        "servers":[{"url":"http://localhost","description":"the daemon's Unix socket"}],\
        "paths":{\(paths.joined(separator: ","))},\
        "components":{"schemas":{\(schemas.joined(separator: ","))}}}
        """
    }

    private static var paths: [String] {
        [
            path("/v1/status", [get("The daemon at a glance", of: "Status")]),
            path("/v1/hosts", [get("Host table of an access router", of: "Host", list: true)]),
            path(
                "/v1/hosts/{address}",
                [
                    get("One host", of: "Host"),
                    operation("put", "Make or replace a host", "Host", takes: "StaticHost"),
                    operation("delete", "Remove a host", nil),
                ], parameter: "address"),
            path("/v1/flows", [get("Flow table of a mobile node", of: "Flow", list: true)]),
            path(
                "/v1/flows/explain",
                [
                    get(
                        "What an access router would do with a packet of a flow, and what it looks up for it",
                        of: "PacketExplanation")
                ],
                queries: [
                    "flow", "direction", "interface", "tunnel", "key", "sequence", "mac", "opens", "length",
                ]),
            path("/v1/anchors", [get("Own addresses of a mobile node and their anchors", of: "Anchor", list: true)]),
            path("/v1/attach", [operation("post", "Have a mobile node attach now", nil, takes: "Attach")]),
            path(
                "/v1/nat/subscribers",
                [get("Hosts whose packets an access router translates", of: "Subscriber", list: true)]),
            path(
                "/v1/nat/subscribers/{address}", [get("One of them, by its inside address", of: "Subscriber")],
                parameter: "address"),
            path(
                "/v1/nat/flows",
                [
                    get(
                        "Flows that an access router translates, at most limit, of a host, of a protocol",
                        of: "TranslatedFlow", list: true)
                ], queries: ["host", "protocol", "limit"]),
            path("/v1/nodes", [get("Nodes that know nothing of their routers", of: "Node", list: true)]),
            path("/v1/nodes/{address}", [get("One of them, with its flows counted", of: "Node")], parameter: "address"),
            path(
                "/v1/nodes/{address}/station",
                [operation("put", "Have a node attached, as its first packet does", nil, takes: "Station")],
                parameter: "address"),
            path("/v1/handovers", [get("Moves of such nodes to and from this router", of: "Handover", list: true)]),
            path("/v1/handovers/{number}", [get("One of them", of: "Handover")], parameter: "number"),
            path("/v1/servers", [get("Servers", of: "Server", list: true)]),
            path(
                "/v1/servers/{name}/state",
                [operation("put", "Take a server out of service or put it back", "Server", takes: "ServerState")],
                parameter: "name"),
            path(
                "/v1/peers", [get("Neighbours of an access router and the sessions with them", of: "Peer", list: true)]),
            path(
                "/v1/peers/{name}/ping",
                [
                    operation(
                        "post", "A message to a neighbour and back; timeout in seconds, 2 if not given", "PeerPing")
                ],
                parameter: "name", queries: ["timeout"]),
            path("/v1/maps", [get("Tables of the data plane", of: "Map", list: true)]),
            path(
                "/v1/maps/{name}",
                [get("Entries of a table, at most limit, only those that the key names", of: "MapEntry", list: true)],
                parameter: "name", queries: ["limit", "key"]),
            path("/v1/drops", [get("Packets by reason", of: "Reason", list: true)]),
            path("/v1/events", [get("What happens from now on, a JSON object a line", of: "Event")]),
            path("/v1/unload", [operation("post", "Remove programs and tables, end the daemon", nil)]),
            path("/metrics", [operation("get", "Prometheus text format", nil)]),
        ]
    }

    private static var schemas: [String] {
        [
            schema(
                "Status",
                ["instance", "roles", "version", "uptime", "epoch", "adopted", "interfaces", "tables", "warnings"]),
            schema(
                "Host",
                [
                    "address", "node", "place", "careOf", "tunnel", "key", "sequenced", "interface", "mac", "chain",
                    "epoch", "router", "anchors", "previous", "idle", "expiresIn",
                ]),
            schema("StaticHost", ["address", "interface", "mac", "careOf", "key", "sequenced", "chain"]),
            schema(
                "Flow",
                [
                    "anchor", "correspondent", "address", "transport", "port", "correspondentPort", "state", "idle",
                    "packetsSent", "packetsReceived", "bytesSent", "bytesReceived",
                ]),
            schema(
                "Subscriber",
                ["inside", "outside", "ports", "tcp", "udp", "icmp", "flows", "flowLimit", "refused"]),
            schema(
                "TranslatedFlow",
                [
                    "transport", "inside", "insidePort", "anchor", "outside", "outsidePort", "correspondent",
                    "correspondentPort", "state", "idleUp", "idleDown",
                ]),
            schema(
                "PacketExplanation",
                [
                    "interface", "role", "headers", "content", "lookUps", "verdict", "reason", "meaning", "leavesBy",
                    "headersAfter", "contentAfter",
                ]),
            schema("LookUp", ["map", "key", "found"]),
            schema("Anchor", ["address", "anchor", "router", "path", "careOf", "interface", "flows", "preferred"]),
            schema("Attach", ["interface", "router"]),
            schema(
                "Server",
                ["name", "kind", "interfaces", "areLegsUp", "isMarkedDown", "isUp", "whenDown", "chain"]),
            schema("ServerState", ["state"]),
            schema(
                "Node",
                [
                    "address", "place", "epoch", "router", "interface", "mac", "anchors", "pending", "flowsHere",
                    "flowsAway",
                ]),
            schema("Station", ["interface", "mac", "previous"]),
            schema("Handover", ["number", "address", "epoch", "from", "to", "asked", "begun", "steps"]),
            schema(
                "Peer",
                [
                    "name", "address", "port", "state", "openedBy", "remote", "endpoints", "router", "epoch", "upFor",
                    "roundTrip", "certificateUntil", "sessions", "bytesReceived", "bytesSent", "lastFailure",
                ]),
            schema("PeerPing", ["peer", "roundTrip"]),
            schema("Map", ["name", "type", "keySize", "valueSize", "capacity", "entries"]),
            schema("MapEntry", ["key", "fields"]),
            schema("Reason", ["reason", "kind", "packets", "meaning"]),
            schema("Event", ["time", "kind", "text", "fields"]),
            schema("Problem", ["type", "title", "status", "detail", "nextStep"]),
        ]
    }

    private static func path(
        _ path: String, _ operations: [String], parameter: String? = nil, queries: [String] = []
    ) -> String {
        let schema = "\"schema\":{\"type\":\"string\"}"
        var parameters = queries.map { "{\"name\":\"\($0)\",\"in\":\"query\",\(schema)}" }
        if let parameter {
            parameters.insert("{\"name\":\"\(parameter)\",\"in\":\"path\",\"required\":true,\(schema)}", at: 0)
        }
        let list = parameters.isEmpty ? "" : "\"parameters\":[\(parameters.joined(separator: ","))],"
        return "\"\(path)\":{\(list)\(operations.joined(separator: ","))}"
    }

    private static func get(_ summary: String, of model: String, list: Bool = false) -> String {
        operation("get", summary, model, list: list)
    }

    private static func operation(
        _ method: String, _ summary: String, _ model: String?, list: Bool = false, takes body: String? = nil
    ) -> String {
        let content =
            model.map { ",\"content\":{\"application/json\":{\"schema\":\(reference($0, list: list))}}" } ?? ""
        let request = body.map {
            ",\"requestBody\":{\"required\":true,\"content\":{\"application/json\":{\"schema\":\(reference($0, list: false))}}}"
        }
        let problem = "\"content\":{\"application/problem+json\":{\"schema\":\(reference("Problem", list: false))}}"
        return "\"\(method)\":{\"summary\":\"\(summary)\"\(request ?? ""),\"responses\":{"
            + "\"2XX\":{\"description\":\"done\"\(content)},\"default\":{\"description\":\"refused\",\(problem)}}}"
    }

    private static func reference(_ model: String, list: Bool) -> String {
        let one = "{\"$ref\":\"#/components/schemas/\(model)\"}"
        return list ? "{\"type\":\"array\",\"items\":\(one)}" : one
    }

    private static func schema(_ name: String, _ fields: [String]) -> String {
        let properties = fields.map { "\"\($0)\":{}" }.joined(separator: ",")
        return "\"\(name)\":{\"type\":\"object\",\"properties\":{\(properties)}}"
    }
}
