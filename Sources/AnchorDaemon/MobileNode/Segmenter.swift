import Glibc
import Netlink

/// A pair of interfaces through which packets for sequenced tunnels [0054] go before they are encapsulated: what the
/// stack has put together for segmentation offload is cut there, so that each packet on the wire has a number of its own.
struct Segmenter {
    /// Where uncut packets go in, and where their segments come out.
    let entrance: InterfaceIndex
    let exit: InterfaceIndex
    let name: String

    /// Makes the pair, or finds that of an earlier run.
    /// - Parameter instance: names the pair.
    static func make(instance: String, _ socket: NetlinkSocket) throws -> Segmenter {
        // Names of interfaces have at most 15 bytes; those of instances may have more.
        let hash = instance.utf8.reduce(UInt32(2_166_136_261)) { ($0 ^ UInt32($1)) &* 16_777_619 }
        let name = "fas" + String(hash, radix: 36)
        do throws(NetlinkError) {
            try socket.addVirtualPair(name + "a", peer: name + "b", largestAggregate: 1)
        } catch {
            guard error.code == EEXIST else { throw error }
        }
        let entrance = try socket.link(named: name + "a").index
        return Segmenter(entrance: entrance, exit: try socket.link(named: name + "b").index, name: name)
    }

    func remove(_ socket: NetlinkSocket) throws {
        do {
            try socket.removeLink(named: name + "a")
        } catch  where error.code == ENODEV {}
    }
}
