import Foundation
import NetworkTypes

/// A row of the mobile node's flow table in the form of Figure 4 [0037].
public struct FlowRow: Hashable, Sendable, Decodable {
    /// oAR: tunnel endpoint of the flow's anchor.
    public let anchor: IPAddress?
    /// CN.
    public let correspondent: IPAddress
    /// MN: the node's address in this flow.
    public let address: IPAddress
}

extension Lab {
    /// The flow table of the mobile node's daemon.
    public func flows() throws -> [FlowRow] {
        struct Answer: Decodable { let flows: [FlowRow] }
        return try JSONDecoder().decode(Answer.self, from: try ask("mn", "/v1/flows")).flows
    }
}
