import ControlAPI
import Foundation
import NetworkTypes

/// The tables of Figure 4, as the daemons show them.
extension Lab {
    /// The host table of a router.
    public func hosts(at router: Int) throws -> [HostModel] {
        try JSONDecoder().decode([HostModel].self, from: try ask("ar\(router)", "/v1/hosts"))
    }

    public func host(_ address: IPAddress, at router: Int) throws -> HostModel? {
        try hosts(at: router).first { $0.address == address }
    }

    /// The server at a router, as its daemon sees it.
    public func server(at router: Int) throws -> ServerModel {
        let servers = try JSONDecoder().decode([ServerModel].self, from: try ask("ar\(router)", "/v1/servers"))
        guard let server = servers.first(where: { $0.name == "fw\(router)" }) else {
            throw LabError.unknownName("server", "fw\(router)", known: servers.map(\.name))
        }
        return server
    }

    /// The flow table of the mobile node.
    public func flows() throws -> [FlowModel] {
        try JSONDecoder().decode([FlowModel].self, from: try ask("mn", "/v1/flows"))
    }
}
