import Glibc
import NamespaceTestSupport
import Netlink
import NetworkTypes
import Testing

@Suite(.inNamespaces)
struct AddressTests {
    static let addresses = [IPAddress("10.1.0.7")!, IPAddress("fd01::7")!]

    @Test(arguments: addresses)
    func `an address without duplicate detection is in use at once`(address: IPAddress) throws {
        let pair = try Pair()
        let wanted = InterfaceAddress(
            interface: try pair.nearIndex(), address: address, prefixLength: address.isV4 ? 24 : 64,
            flags: .noDuplicateDetection, preferredLifetime: 600, validLifetime: 1200)
        try pair.nearSocket.add(wanted)

        let found = try #require(
            try pair.nearSocket.addresses(of: wanted.interface).first { $0.address == address })
        #expect(!found.isTentative)
        #expect(!found.isDeprecated)
        #expect(found.prefixLength == wanted.prefixLength)
        #expect(found.scope == .universe)
        // Counting down already.
        #expect((590...600).contains(try #require(found.preferredLifetime)))
        #expect((1190...1200).contains(try #require(found.validLifetime)))
        // Binding succeeds only to an address that is in use.
        _ = try TestSocket.listening(in: pair.near, on: address)
    }

    @Test(arguments: addresses)
    func `a deprecated address stays and another is chosen for new connections`(address: IPAddress) throws {
        let pair = try Pair()
        let index = try pair.nearIndex()
        let length = address.isV4 ? 24 : 64
        let newer = try #require(IPPrefix(address, length: length)?.address(at: 99))
        let peer = try #require(IPPrefix(address, length: length)?.address(at: 1))
        let old = InterfaceAddress(
            interface: index, address: address, prefixLength: length, flags: .noDuplicateDetection)
        try pair.nearSocket.add(old)
        #expect(try pair.nearSocket.route(to: peer).source == address)

        try pair.nearSocket.add(
            InterfaceAddress(
                interface: index, address: newer, prefixLength: length, flags: .noDuplicateDetection))
        try pair.nearSocket.deprecate(old)
        let found = try #require(try pair.nearSocket.addresses(of: index).first { $0.address == address })
        #expect(found.isDeprecated)
        #expect(found.validLifetime == nil)
        if !address.isV4 {
            // IPv4 chooses by the order of addresses alone, so there the route has to name the source.
            #expect(try pair.nearSocket.route(to: peer).source == newer)
        }
    }

    @Test(arguments: addresses)
    func `without a prefix route the kernel makes no route to the link`(address: IPAddress) throws {
        let pair = try Pair()
        let index = try pair.nearIndex()
        let length = address.isV4 ? 24 : 64
        try pair.nearSocket.add(
            InterfaceAddress(
                interface: index, address: address, prefixLength: length,
                flags: [.noDuplicateDetection, .noPrefixRoute]))
        let prefix = IPPrefix(address, length: length)
        #expect(try !pair.nearSocket.routes(in: .main).contains { $0.destination == prefix })
    }

    @Test(arguments: addresses)
    func `adding twice is refused, replacing changes lifetimes, removing twice is refused`(address: IPAddress) throws {
        let pair = try Pair()
        var wanted = InterfaceAddress(
            interface: try pair.nearIndex(), address: address, prefixLength: address.isV4 ? 32 : 128,
            flags: .noDuplicateDetection)
        try pair.nearSocket.add(wanted)
        let twice = #expect(throws: NetlinkError.self) { try pair.nearSocket.add(wanted) }
        #expect(twice?.code == EEXIST)
        #expect(twice?.description.hasPrefix("cannot add address \(wanted): EEXIST: ") == true)

        wanted.preferredLifetime = 0
        wanted.validLifetime = 60
        try pair.nearSocket.replace(wanted)
        let found = try #require(try pair.nearSocket.addresses().first { $0.address == address })
        #expect(found.isDeprecated)
        #expect(found.validLifetime != nil)

        try pair.nearSocket.remove(wanted)
        #expect(try !pair.nearSocket.addresses().contains { $0.address == address })
        let gone = #expect(throws: NetlinkError.self) { try pair.nearSocket.remove(wanted) }
        #expect(gone?.code == EADDRNOTAVAIL)
    }

    @Test(arguments: addresses)
    func `coming and going of an address is seen`(address: IPAddress) throws {
        let pair = try Pair()
        let monitor = try NetlinkMonitor(.addresses, namespace: pair.near)
        let wanted = InterfaceAddress(
            interface: try pair.nearIndex(), address: address, prefixLength: address.isV4 ? 24 : 64,
            flags: .noDuplicateDetection)
        try pair.nearSocket.add(wanted)
        try monitor.first("address") { change in
            if case .address(let found) = change, found.address == address { found } else { nil }
        }
        try pair.nearSocket.remove(wanted)
        let removed = try monitor.first("removal of the address") { change in
            if case .addressRemoved(let found) = change, found.address == address { found } else { nil }
        }
        #expect(removed.interface == wanted.interface)
        #expect(removed.prefixLength == wanted.prefixLength)
    }

    @Test func `an address for an interface that is not there is an error that says so`() throws {
        let socket = try NetlinkSocket(namespace: .anonymous())
        let wanted = InterfaceAddress(interface: 4711, address: Self.addresses[0], prefixLength: 24)
        let error = #expect(throws: NetlinkError.self) { try socket.add(wanted) }
        #expect(error?.code == ENODEV)
        #expect(error?.object == "10.1.0.7/24 on interface 4711")
    }
}
