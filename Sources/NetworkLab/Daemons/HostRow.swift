import Foundation
import NetworkTypes

/// A row of an access router's host table in the form of Figure 4.
public struct HostRow: Hashable, Sendable, Decodable {
    /// oMN: the address that the router leased to the node.
    public let address: IPAddress
    /// Whether the node is on an access link of this router.
    public let isAttached: Bool
    /// nMN: where the node is now; `nil` while it has not moved.
    public let careOfAddress: IPAddress?
}

extension Lab {
    /// The host table of a router's daemon.
    public func hosts(at router: Int) throws -> [HostRow] {
        struct Answer: Decodable { let hosts: [HostRow] }
        return try JSONDecoder().decode(Answer.self, from: try ask("ar\(router)", "/v1/hosts")).hosts
    }

    public func host(_ address: IPAddress, at router: Int) throws -> HostRow? {
        try hosts(at: router).first { $0.address == address }
    }
}
