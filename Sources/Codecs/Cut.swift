extension StringProtocol {
    /// The beginning of a stranger's text, to be shown in a message.
    ///
    /// Counts scalars, so that the result has at most four bytes for each: one `Character` may have a million combining
    /// marks.
    package func cut(to scalars: Int) -> String {
        String(String.UnicodeScalarView(unicodeScalars.prefix(scalars)))
    }
}
