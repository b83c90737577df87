import AnchorCore
import Dispatch
import Netlink
import NetworkTypes

/// The mobile node's data plane as the driver sees it.
protocol MobileForwarding: FlowCounter.Records {
    /// Attaches the programs to the uplink, or tells that the interface changed: a new one of the same name, another
    /// MAC or MTU. Does nothing where all is as it was.
    func attach(_ uplink: InterfaceID, _ link: Link) throws
    /// The interface is gone.
    func detach(_ uplink: InterfaceID)
    /// What packets of the address do from now on, in one overwrite.
    func install(_ binding: AnchorBinding) throws
    func remove(_ address: IPAddress) throws
    /// The router on an uplink, and its MAC as far as it is known.
    func setGateway(_ gateway: IPAddress, mac: MACAddress?, on uplink: InterfaceID) throws
    /// Largest packet that fits the path through the attachment, in bytes.
    func setMTU(_ mtu: UInt16, of uplink: InterfaceID) throws
    /// Largest packet on the way to an anchor, outer headers included, in bytes; `nil` for no more than the uplink's.
    func setMTU(_ mtu: UInt16?, to anchor: IPAddress) throws
    /// Calls `handle` on `queue` with each error about a packet in a tunnel, from its IP header on.
    func watchErrors(on queue: DispatchQueue, handle: @escaping @Sendable ([UInt8]) -> Void) throws
    /// Removes what an earlier run left behind, but for these addresses.
    func discardInherited(except kept: Set<IPAddress>) throws
    /// Takes the programs off all uplinks and removes the tables.
    func unload() throws
}
