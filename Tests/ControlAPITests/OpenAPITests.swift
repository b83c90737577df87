import Foundation
import NetworkTypes
import Testing

@testable import ControlAPI

@Suite struct OpenAPITests {
    /// Every field of a model, optional ones included.
    func fields(_ model: Any) -> Set<String> { Set(Mirror(reflecting: model).children.compactMap(\.label)) }

    @Test func `the description has each field of each model`() async throws {
        let document = try #require(
            try JSONSerialization.jsonObject(with: Data(OpenAPI.document.utf8)) as? [String: Any])
        let components = try #require(document["components"] as? [String: Any])
        let schemas = try #require(components["schemas"] as? [String: [String: Any]])
        let any = IPAddress.anyV4
        let models: [String: Any] = [
            "Status": try await FakeService().status(), "Host": HostModel(address: any, node: 0, place: .attached),
            "StaticHost": StaticHostModel(address: any),
            "Flow": FlowModel(
                anchor: nil, correspondent: any, address: any, transport: "tcp", port: 0, correspondentPort: 0,
                state: "open", idle: 0, packetsSent: 0, packetsReceived: 0, bytesSent: 0, bytesReceived: 0),
            "Anchor": AnchorModel(
                address: any, anchor: any, router: 0, path: "direct", careOf: nil, interface: nil, flows: 0,
                preferred: true),
            "Subscriber": try await FakeService().subscribers()[0],
            "TranslatedFlow": try await FakeService().translatedFlows(TranslatedFlowQuery())[0],
            "PacketExplanation": try await FakeService().explain(PacketQuery(flow: "")),
            "LookUp": LookUpModel(map: "", key: "", found: nil), "Attach": AttachModel(interface: ""),
            "Server": ServerModel(
                name: "", kind: "", interfaces: [], areLegsUp: true, isMarkedDown: false, whenDown: "", chain: ""),
            "ServerState": ServerStateModel(state: .up),
            "Node": NodeModel(address: any, place: .here, epoch: 1),
            "Station": StationModel(interface: "", mac: .zero),
            "Handover": HandoverModel(
                number: 1, address: any, epoch: 1, from: nil, to: "", begun: 0, steps: []),
            "Peer": PeerModel(name: "", address: any, port: 0), "PeerPing": PeerPingModel(peer: "", roundTrip: nil),
            "Map": try await FakeService().maps()[0], "MapEntry": MapEntryModel(key: "", fields: [:]),
            "Reason": try await FakeService().reasons()[0], "Event": EventModel(time: 0, kind: "", text: ""),
            "Problem": ControlError.Problem(type: "", title: "", status: 0, detail: "", nextStep: nil),
        ]
        let paths = try #require(document["paths"] as? [String: [String: Any]])
        #expect(paths["/v1/servers/{name}/state"]?["put"] != nil)
        #expect(Set(schemas.keys) == Set(models.keys))
        for (name, model) in models {
            let properties = schemas[name]?["properties"] as? [String: Any]
            #expect(properties.map { Set($0.keys) } == fields(model), "\(name)")
        }
    }
}
