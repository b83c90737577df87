import NetworkTypes
import PacketKit
import Testing

@testable import AnchorDaemon

@Suite struct RouterAdvertisementTests {
    private let advertisement = RouterAdvertisement(
        routerLifetime: 1800,
        prefixes: [
            .init(prefix: IPPrefix("fd02::/64")!, isOnLink: true, validLifetime: 86400, preferredLifetime: 14400),
            .init(prefix: IPPrefix("fd01::/64")!, isOnLink: false, validLifetime: 7200, preferredLifetime: 0),
        ], mtu: 1500, mac: MACAddress("02:fa:00:00:00:01")!)

    @Test func `it is as RFC 4861 has it`() {
        let packet = advertisement.packet(from: IPAddress("fe80::1")!)
        #expect(Array(packet[0..<8]) == [0x60, 0, 0, 0, 0, 96, 58, 255])
        #expect(IPAddress(bytes: packet[8..<24]) == IPAddress("fe80::1"))
        #expect(IPAddress(bytes: packet[24..<40]) == IPAddress("ff02::1"))
        let message = Array(packet[40...])
        #expect(message.count == 96)
        #expect(Array(message[0..<2]) == [134, 0])
        #expect(Array(message[4..<8]) == [64, 0, 0x07, 0x08])
        // Source link-layer address, MTU, two prefixes.
        #expect(Array(message[16..<24]) == [1, 1, 2, 0xfa, 0, 0, 0, 1])
        #expect(Array(message[24..<32]) == [5, 1, 0, 0, 0, 0, 0x05, 0xdc])
        #expect(Array(message[32..<44]) == [3, 4, 64, 0xc0, 0, 1, 0x51, 0x80, 0, 0, 0x38, 0x40])
        #expect(IPAddress(bytes: message[48..<64]) == IPAddress("fd02::"))
        #expect(Array(message[64..<76]) == [3, 4, 64, 0x40, 0, 0, 0x1c, 0x20, 0, 0, 0, 0])
        #expect(IPAddress(bytes: message[80..<96]) == IPAddress("fd01::"))
    }

    @Test func `its checksum is right`() {
        let packet = advertisement.packet(from: IPAddress("fe80::1")!)
        var sum = InternetChecksum()
        sum.add(packet[8..<40])
        sum.add(UInt32(packet.count - 40))
        sum.add(UInt32(58))
        sum.add(packet[40...])
        #expect(sum.folded == 0xffff)
    }

    @Test func `who asks is found among the options of a solicitation`() {
        let mac = MACAddress("02:00:00:00:00:07")!
        let header: [UInt8] = [133, 0, 0, 0, 0, 0, 0, 0]
        let option: [UInt8] = [1, 1, 2, 0, 0, 0, 0, 7]
        let other: [UInt8] = [14, 1, 1, 2, 3, 4, 5, 6]
        #expect(AdvertisementSockets.station(header + option) == mac)
        #expect(AdvertisementSockets.station(header + other + option) == mac)
        for bad in [[], header, header + [1, 0] + option.dropFirst(2), header + [1, 2] + option.dropFirst(2)] {
            #expect(AdvertisementSockets.station(bad) == nil)
        }
    }
}
