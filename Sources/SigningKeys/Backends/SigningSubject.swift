/// What a signature is about, for keys that decide by it. Backends whose keys sign anything do not look at it.
package enum SigningSubject {
    /// Where the artifact lies, `registry/repository@digest`, while it is being signed.
    @TaskLocal package static var image: String?
}
