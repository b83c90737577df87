import BPFKit
import FlowAnchorABI
import NetworkTypes

extension HostTable {
    /// How far sequence numbers are advanced, for the packets that are sent between the move and the
    /// moment from which programs use this table: receivers take no number twice (RFC 2890, section 2.2).
    private static let sequenceAdvance: UInt32 = 1 << 20

    /// Fills this table, which is empty, with what is in another one.
    mutating func move(from other: HostTable, capacity: Int) throws(DataPlaneError) {
        var failure: BPFError?
        do throws(BPFError) {
            try other.visit { host, extra in
                var extra = extra
                extra.transmit_sequence &+= Self.sequenceAdvance
                do throws(BPFError) {
                    try insert(host, extra)
                    return true
                } catch {
                    failure = error
                    return false
                }
            }
        } catch {
            throw .bpf(error)
        }
        if failure != nil { throw .tableFull(table: "hosts", capacity: capacity) }
    }
}
