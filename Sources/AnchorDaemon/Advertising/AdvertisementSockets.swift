import CDatagram
import Glibc
import NetworkTypes

/// Hears router solicitations and sends advertisements to single stations. For one serial queue.
final class AdvertisementSockets {
    /// Hears solicitations.
    let descriptor: Int32
    private let sender: Int32

    /// A solicitation: who asks, and on which interface.
    struct Solicitation {
        /// Its station, as it says.
        var mac: MACAddress
        /// The kernel's index.
        var interface: UInt32
    }

    /// Needs CAP_NET_RAW.
    init() throws(DaemonError) {
        descriptor = cd_open_solicitations()
        sender = cd_open_stations()
        for opened in [descriptor, sender] where opened < 0 {
            throw .system("can't open sockets for router advertisements: \(String(cString: strerror(-opened)))")
        }
    }

    deinit {
        close(descriptor)
        close(sender)
    }

    /// What was heard since: of a solicitation that doesn't say who asks, nothing.
    func receive() -> [Solicitation] {
        var heard: [Solicitation] = []
        var message = [UInt8](repeating: 0, count: 512)
        var source = [UInt8](repeating: 0, count: 16)
        var interface: UInt32 = 0
        while true {
            let count = cd_hear_solicitation(descriptor, &message, UInt32(message.count), &source, &interface)
            guard count >= 0 else { return heard }
            guard let asker = IPAddress(bytes: source), asker.isLinkLocal, !asker.isV4,
                let mac = Self.station(Array(message.prefix(Int(count))))
            else { continue }
            heard.append(Solicitation(mac: mac, interface: interface))
        }
    }

    /// The source link-layer address option of a solicitation (RFC 4861, section 4.6.1).
    static func station(_ message: [UInt8]) -> MACAddress? {
        var place = 8
        while place + 8 <= message.count {
            let length = Int(message[place + 1]) * 8
            guard length > 0, place + length <= message.count else { return nil }
            if message[place] == 1 {
                return MACAddress(bits: message[(place + 2)..<(place + 8)].reduce(0) { $0 << 8 | UInt64($1) })
            }
            place += length
        }
        return nil
    }

    /// Sends an IPv6 packet to a station.
    /// - Returns: errno, 0 where it was sent.
    func send(_ packet: [UInt8], to mac: MACAddress, on interface: UInt32) -> Int32 {
        let station = (0..<6).map { UInt8(truncatingIfNeeded: mac.bits >> UInt64(40 - 8 * $0)) }
        return -cd_send_to_station(sender, packet, UInt32(packet.count), station, interface)
    }
}
