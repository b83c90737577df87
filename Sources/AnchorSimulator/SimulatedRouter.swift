import AnchorCore
import NetworkTypes

/// An access router with its disk and its data plane.
struct SimulatedRouter {
    let index: Int
    let configuration: AccessRouterConfiguration
    /// `nil` while its program does not run.
    var machine: AccessRouter?
    /// Pinned: it outlives the program, not the power.
    var table: [IPAddress: HostBinding] = [:]
    var journal: [AccessRouterRecord] = []
    /// Records at the front of the journal that a crash leaves.
    var stored = 0
    /// Number of the journal's record `journal[base]`.
    var base = 0
    var firstNumber: RecordNumber = 1
    var epoch: UInt32 = 0
    var isWriting = false
    /// The newest record that the program was told about.
    var answered: RecordNumber = 0
    /// Tells writes and timers of a former run.
    var run = 0
    var timer: MonotonicInstant?
    /// Hosts whose packets were seen since the last report.
    var seen: Set<IPAddress> = []

    var id: UInt64 { configuration.router }

    /// The number of the last record in the journal, 0 for none of this run.
    var newestNumber: RecordNumber { firstNumber + RecordNumber(journal.count - base) - 1 }
    var newestStored: RecordNumber { firstNumber + RecordNumber(max(0, stored - base)) - 1 }
}

/// A flow between a node and a correspondent.
struct SimulatedFlow {
    let id: Int
    let node: Int
    let address: IPAddress
    /// Index of the router at which it began: it and its server see every packet.
    let anchor: Int
}

/// A mobile node with its kernel's addresses and its data plane.
struct SimulatedNode {
    let index: Int
    let configuration: MobileNodeConfiguration
    var machine: MobileNode
    var epoch: UInt32
    var plugs: [Plug?]
    /// Address to the interface that it is configured on.
    var addresses: [IPAddress: InterfaceID] = [:]
    var bindings: [IPAddress: AnchorBinding] = [:]
    var routes: [AddressFamily: DefaultRoute] = [:]
    var remembered: [IPAddress: MobileNodeRecord] = [:]
    var timer: MonotonicInstant?
    var isStopped = false
    var run = 0

    /// Where an interface is plugged in.
    struct Plug: Hashable {
        let router: Int
        let link: Int
    }

    func mac(_ interface: Int) -> MACAddress {
        MACAddress(bits: 0x0200_0000_0000 | UInt64(index) << 8 | UInt64(interface))
    }

    func linkLocal(_ interface: Int) -> IPAddress { IPAddress(high: 0xfe80 << 48, low: mac(interface).bits | 1 << 60) }
}

/// Who has which address.
enum AddressPlan {
    static func endpoint(_ router: Int, _ family: AddressFamily) -> IPAddress {
        switch family {
        case .v4: IPAddress(v4: 0xc000_0200 | UInt32(router + 1))
        case .v6: IPAddress(high: 0x2001_0db8 << 32, low: UInt64(router + 1))
        }
    }

    static func pool(_ router: Int, _ link: Int, _ family: AddressFamily) -> IPPrefix {
        switch family {
        case .v4: IPPrefix(IPAddress(v4: 10 << 24 | UInt32(router + 1) << 16 | UInt32(link + 1) << 8), length: 24)!
        case .v6:
            IPPrefix(
                IPAddress(high: 0xfd00 << 48 | UInt64(router + 1) << 16 | UInt64(link + 1), low: 0), length: 64)!
        }
    }

    static func gateway(_ router: Int, _ link: Int, _ family: AddressFamily) -> IPAddress {
        pool(router, link, family).address(at: 1)!
    }

    static func linkLocal(_ router: Int, _ link: Int) -> IPAddress {
        IPAddress(high: 0xfe80 << 48, low: 2 << 60 | UInt64(router) << 8 | UInt64(link))
    }

    /// The router from whose pools an address is.
    static func home(of address: IPAddress) -> Int? {
        if let bits = address.v4Bits { return bits >> 24 == 10 ? Int(bits >> 16 & 0xff) - 1 : nil }
        return address.high >> 48 == 0xfd00 ? Int(address.high >> 16 & 0xffff) - 1 : nil
    }

    static func router(withEndpoint address: IPAddress) -> Int? {
        if let bits = address.v4Bits { return bits >> 8 == 0xc0_0002 ? Int(bits & 0xff) - 1 : nil }
        return address.high == 0x2001_0db8 << 32 ? Int(address.low) - 1 : nil
    }
}
