# nix-build packaging/default.nix - the image, drop-in names, manual pages and qboot-bench.
#
# Tried with Nix 2.8 and Debian's compiler behind a stand-in for nixpkgs, which could not be had;
# untested with nixpkgs itself.
{ pkgs ? import <nixpkgs> { } }:

pkgs.stdenv.mkDerivation {
  pname = "qboot-bin";
  version = pkgs.lib.fileContents ../VERSION;
  src = pkgs.lib.cleanSource ../.;

  nativeBuildInputs = [ pkgs.acpica-tools pkgs.python3 ];

  # A firmware has no runtime that could use what these flags ask for.
  hardeningDisable = [ "all" ];
  enableParallelBuilding = true;
  dontStrip = true;
  dontPatchELF = true;

  makeFlags = [ "PREFIX=${placeholder "out"}" "PYTHON=${pkgs.python3}/bin/python3" ];

  meta = {
    description = "Fast-boot firmware for QEMU x86 guests";
    license = pkgs.lib.licenses.bsd2;
    platforms = [ "x86_64-linux" "i686-linux" ];
  };
}
