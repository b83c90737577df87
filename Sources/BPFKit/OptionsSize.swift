/// The size by which libbpf knows which version of an options struct it was given. It counts to the
/// end of the last field and not further, since libbpf wants zeros behind that and Swift doesn't
/// promise any in padding.
func optionsSize<Options, Last>(endingWith last: KeyPath<Options, Last>) -> Int {
    MemoryLayout<Options>.offset(of: last)! + MemoryLayout<Last>.size
}
