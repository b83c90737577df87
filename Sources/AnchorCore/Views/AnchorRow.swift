import NetworkTypes

/// An own address of a mobile node and its anchor: what the rows (oAR, CN, MN) of the flow table of Figure 4 with
/// this MN have in common.
public struct AnchorRow: Hashable, Sendable {
    /// oAR.
    public var anchor: IPAddress
    public var router: UInt64
    /// MN.
    public var address: IPAddress
    public var path: AnchorPath
    public var flows: Int
    public var preferred: Bool

    public init(
        anchor: IPAddress, router: UInt64, address: IPAddress, path: AnchorPath, flows: Int, preferred: Bool
    ) {
        self.anchor = anchor
        self.router = router
        self.address = address
        self.path = path
        self.flows = flows
        self.preferred = preferred
    }
}
