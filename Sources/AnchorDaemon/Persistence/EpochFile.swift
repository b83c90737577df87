/// A number that grows at each start, stored before anybody hears of it.
struct EpochFile {
    let path: String

    /// The epoch of this start.
    func next() throws(DaemonError) -> UInt32 {
        guard let bytes = try StateFile.read(path) else {
            try store(1)
            return 1
        }
        let text = String(decoding: bytes, as: UTF8.self).filter { !$0.isWhitespace }
        guard let number = UInt32(text), number < .max else {
            throw .storage("\(path) holds no epoch; put a number above every one used before into it")
        }
        try store(number + 1)
        return number + 1
    }

    func store(_ epoch: UInt32) throws(DaemonError) { try StateFile.write(Array("\(epoch)\n".utf8), to: path) }
}
