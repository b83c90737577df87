import AnchorDataPlane
import Netlink
import NetworkTypes

/// An interface of an access router as the configuration names it, and what is known of it now.
struct RouterPort {
    let index: PortIndex
    let name: String
    let role: PortRole
    /// `nil` while the interface is away.
    var link: Link?
    var addresses: [IPAddress] = []
    /// How the program runs on it; `nil` while none does.
    var attachment: ProgramAttachment?
    /// Why none does.
    var failure: String?

    init(index: PortIndex, name: String, role: PortRole) {
        self.index = index
        self.name = name
        self.role = role
    }

    /// It can carry packets.
    var isUp: Bool { link?.isUsable ?? false }

    /// What the data plane is told; `nil` while the interface is away.
    func description(nextUp: PathIndex, nextDown: PathIndex) -> Port? {
        guard let link else { return nil }
        // Those that others send to come first, should there be more than there is room for.
        let ordered = addresses.filter { !$0.isLinkLocal } + addresses.filter(\.isLinkLocal)
        return Port(
            role: role, name: name, interfaceIndex: Int32(link.index), mac: link.mac ?? .zero,
            mtu: UInt16(clamping: link.mtu), addresses: Array(ordered.prefix(Port.addressLimit)), nextUp: nextUp,
            nextDown: nextDown)
    }
}

/// Numbers of interfaces, which hosts in pinned tables and records in the journal refer to: kept while the
/// configuration changes around them.
enum PortNumbers {
    /// - Parameters:
    ///   - names: the interfaces that there are to be.
    ///   - former: numbers that were given before.
    /// - Returns: a number from 1 for each.
    static func assign(_ names: [String], keeping former: [String: PortIndex]) -> [String: PortIndex] {
        var numbers = former.filter { names.contains($0.key) }
        var next: PortIndex = 1
        // A number that stood for another interface is taken only when no other is left.
        let avoided = Set(former.values)
        for name in names where numbers[name] == nil {
            let taken = Set(numbers.values)
            while next < Port.limit, avoided.contains(next) || taken.contains(next) { next += 1 }
            let number = next < Port.limit ? next : (1..<PortIndex(Port.limit)).first { !taken.contains($0) }
            numbers[name] = number
        }
        return numbers
    }
}
