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

    /// The flow table of the mobile node.
    public func flows() throws -> [FlowModel] {
        try JSONDecoder().decode([FlowModel].self, from: try ask("mn", "/v1/flows"))
    }
}
