extension OptionView {
    /// UTF-8, for a person. What is not UTF-8 and what would steer a terminal is replaced, since it ends up in logs;
    /// what that makes longer is cut.
    func text() throws(MessageError) -> String {
        guard value.count <= ErrorReply.longestText else { throw .optionLength(type: type, length: value.count) }
        return String(decoding: value, as: UTF8.self).cleaned
    }
}

extension MessageWriter {
    mutating func option(_ type: UInt16, text: String) {
        var text = text.cleaned
        text.withUTF8 { bytes in
            option(type, length: bytes.count)
            put(bytes: UnsafeRawBufferPointer(bytes))
        }
    }
}

extension String {
    /// As many whole characters as fit into so many bytes of UTF-8.
    func prefix(utf8Count limit: Int) -> String {
        guard utf8.count > limit else { return self }
        var end = startIndex
        var used = 0
        while end < endIndex {
            used += self[end].utf8.count
            guard used <= limit else { break }
            formIndex(after: &end)
        }
        return String(self[..<end])
    }

    /// As it may be in a message: harmless, and no longer than allowed.
    fileprivate var cleaned: String { withoutControls.prefix(utf8Count: ErrorReply.longestText) }

    /// Control characters replaced by a space.
    private var withoutControls: String {
        guard unicodeScalars.contains(where: { $0.properties.generalCategory == .control }) else { return self }
        var scalars = String.UnicodeScalarView()
        for scalar in unicodeScalars {
            scalars.append(scalar.properties.generalCategory == .control ? " " : scalar)
        }
        return String(scalars)
    }
}
