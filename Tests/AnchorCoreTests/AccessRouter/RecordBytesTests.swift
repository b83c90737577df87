import AnchorCore
import NetworkTypes
import Testing

@Suite struct RecordBytesTests {
    static let neighbour = Neighbour(mac: MACAddress("02:00:00:00:00:09")!, interface: InterfaceID(7))
    static let tunnel = Tunnel(
        local: IPAddress("2001:db8::1")!, peer: IPAddress("2001:db8:2::2")!, kind: .gre(key: 5, sequenced: true))
    static let locations: [HostLocation] = [
        .attached(neighbour), .tunnelled(tunnel), .both(neighbour, tunnel, bicast: true),
        .both(neighbour, tunnel, bicast: false),
        .tunnelled(Tunnel(local: IPAddress("192.0.2.1")!, peer: IPAddress("10.2.0.2")!, kind: .ipInIP)),
    ]
    static var records: [AccessRouterRecord] {
        let order = MessageOrder(epoch: 3, sequence: 0x0102_0304)
        return locations.map { location in
            .host(
                HostRecord(
                    address: IPAddress("10.1.0.2")!, node: 9, order: order, location: location, link: InterfaceID(3)))
        } + [.removed(address: IPAddress("fd01::2")!, node: 9, order: order), .node(9, order)]
    }

    @Test(arguments: records) func `a record is read as it was written`(_ record: AccessRouterRecord) {
        var bytes: [UInt8] = []
        record.encode(into: &bytes)
        #expect(bytes.count <= AccessRouterRecord.longestEncoding)
        #expect(AccessRouterRecord(bytes: bytes) == record)
    }

    @Test(arguments: records) func `a record that was cut is none`(_ record: AccessRouterRecord) {
        var bytes: [UInt8] = []
        record.encode(into: &bytes)
        for length in 0..<bytes.count { #expect(AccessRouterRecord(bytes: bytes.prefix(length)) == nil) }
        #expect(AccessRouterRecord(bytes: bytes + [0]) == nil)
        bytes[0] = 9
        #expect(AccessRouterRecord(bytes: bytes) == nil)
    }
}
