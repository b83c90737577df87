import NetworkTypes
import PacketKit

extension ModelPacket {
    /// Which of a packet's endpoints is another one after translation.
    enum Side {
        case source
        case destination
    }

    /// A checksum and what it covers. Places are counted in bytes from the start of the frame.
    private struct Checksum {
        enum Kind {
            case header, tcp, udp, icmp
        }

        var kind: Kind
        var field: Int
        var covered: Range<Int>
        /// Whose pseudo header it covers, too.
        var header: Header
    }

    /// Writes an endpoint into a packet: the address into its header; port, or identifier, into its transport header,
    /// unless that is in another fragment. Checksums that were right are right again.
    mutating func translate(_ header: inout Header, _ side: Side, to endpoint: ModelNAT.Endpoint) {
        let checksums = self.checksums(header, within: header.end)
        let sums = checksums.map(sum)
        write(endpoint, at: side, of: header)
        if header.fragment != .later { write(endpoint.port, at: side, of: header) }
        switch side {
        case .source: header.source = endpoint.address
        case .destination: header.destination = endpoint.address
        }
        for (checksum, sum) in zip(checksums, sums) { update(checksum, before: sum, header) }
    }

    /// Writes an endpoint into an ICMP error and, at the other side, into the packet that it quotes (RFC 5508,
    /// section 4.2).
    /// - Parameter quoted: the header of the packet that it quotes, of which eight bytes of transport header are there.
    mutating func translateError(
        _ header: inout Header, _ side: Side, quoting quoted: Header, to endpoint: ModelNAT.Endpoint
    ) {
        let message = checksums(header, within: header.end)
        let inner = checksums(quoted, within: header.end).filter {
            $0.field + 2 <= header.end - ($0.kind == .tcp ? 2 : 0)
        }
        let sums = (message + inner).map(sum)
        var changed = quoted
        switch side {
        case .source:
            write(endpoint, at: .destination, of: quoted)
            write(endpoint.port, at: .destination, of: quoted)
            changed.destination = endpoint.address
            write(endpoint, at: .source, of: header)
            header.source = endpoint.address
        case .destination:
            write(endpoint, at: .source, of: quoted)
            write(endpoint.port, at: .source, of: quoted)
            changed.source = endpoint.address
            write(endpoint, at: .destination, of: header)
            header.destination = endpoint.address
        }
        // What is quoted first: the message's covers it.
        for (checksum, sum) in zip(inner, sums.dropFirst(message.count)) { update(checksum, before: sum, changed) }
        for (checksum, sum) in zip(message, sums) { update(checksum, before: sum, header) }
    }

    private mutating func write(_ endpoint: ModelNAT.Endpoint, at side: Side, of header: Header) {
        let place = header.start + (side == .source ? 12 : 16)
        bytes.replaceSubrange(place..<place + 4, with: endpoint.address.bytes)
    }

    private mutating func write(_ port: UInt16, at side: Side, of header: Header) {
        let place = header.number == 1 ? 4 : side == .source ? 0 : 2
        setWord(header.payload + place, port)
    }

    /// Those of a packet that depend on its endpoints.
    /// - Parameter end: behind the last byte that is there of it.
    private func checksums(_ header: Header, within end: Int) -> [Checksum] {
        var found = [
            Checksum(kind: .header, field: header.start + 10, covered: header.start..<header.payload, header: header)
        ]
        let body = header.payload..<max(header.payload, end)
        if header.fragment == .later { return found }
        switch header.number {
        case 1: found.append(.init(kind: .icmp, field: header.payload + 2, covered: body, header: header))
        case 6: found.append(.init(kind: .tcp, field: header.payload + 16, covered: body, header: header))
        case 17: found.append(.init(kind: .udp, field: header.payload + 6, covered: body, header: header))
        default: break
        }
        return found
    }

    /// Over all that is covered, the field itself left out (RFC 1071).
    private func sum(_ checksum: Checksum) -> UInt16 {
        var sum = InternetChecksum()
        switch checksum.kind {
        case .header, .icmp: break
        case .tcp, .udp:
            sum.add(checksum.header.source.v4Bits ?? 0)
            sum.add(checksum.header.destination.v4Bits ?? 0)
            sum.add(UInt16(checksum.header.number))
            sum.add(UInt16(truncatingIfNeeded: checksum.header.end - checksum.header.payload))
        }
        var covered = bytes[checksum.covered]
        covered[checksum.field] = 0
        covered[checksum.field + 1] = 0
        sum.add(covered)
        return sum.folded
    }

    /// One that was right is right again; one that was wrong, or that covers what isn't all here, is as wrong as it was.
    private mutating func update(_ checksum: Checksum, before: UInt16, _ header: Header) {
        var checksum = checksum
        checksum.header = header
        let field = word(checksum.field)
        // UDP without a checksum stays so (RFC 768).
        if checksum.kind == .udp && field == 0 { return }
        let after = sum(checksum)
        var new = ~after
        if field != ~before {
            var sum = InternetChecksum()
            for number in [~field, ~before, after] { sum.add(number) }
            new = sum.complement
        }
        setWord(checksum.field, checksum.kind == .udp && new == 0 ? 0xffff : new)
    }
}
