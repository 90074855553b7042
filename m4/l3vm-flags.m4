# SPDX-License-Identifier: LGPL-2.1-or-later
# l3vm-flags.m4 - compiler flags that are probed before they are used

# L3VM_TRY_FLAGS(VARIABLE, FLAGS, [KIND])
# Appends to VARIABLE each of FLAGS that the compiler (KIND "link": and the
# linker) takes. -Werror, because clang only warns of flags it does not know.
AC_DEFUN([L3VM_TRY_FLAGS], [
	for l3vm_flag in $2; do
		AC_MSG_CHECKING([whether $CC takes $l3vm_flag])
		l3vm_saved=$CFLAGS
		CFLAGS="$CFLAGS -Werror $l3vm_flag"
		m4_if([$3], [link], [AC_LINK_IFELSE], [AC_COMPILE_IFELSE])(
			[AC_LANG_SOURCE([int main(void) { return 0; }])],
			[$1="$$1 $l3vm_flag"; AC_MSG_RESULT([yes])],
			[AC_MSG_RESULT([no])])
		CFLAGS=$l3vm_saved
	done
])

# Warnings are never errors here: a newer compiler must not stop a build from a
# release. tests/run passes -Werror when it calls make.
AC_DEFUN([L3VM_WARNINGS], [
	L3VM_TRY_FLAGS([L3VM_WARN_CFLAGS], [m4_normalize([
		-Wall -Wextra -Wconversion -Wshadow -Wstrict-prototypes
		-Wmissing-prototypes -Wold-style-definition -Wpointer-arith
		-Wwrite-strings -Wundef -Wvla])])
	AC_SUBST([L3VM_WARN_CFLAGS])
])

# --enable-sanitizers[=LIST]; a sanitizer that is asked for and does not work is
# an error, or the test run would prove nothing.
AC_DEFUN([L3VM_SANITIZERS], [
	AC_ARG_ENABLE([sanitizers],
		[AS_HELP_STRING([--enable-sanitizers@<:@=LIST@:>@],
			[build with sanitizers @<:@address,undefined@:>@])],
		[], [enable_sanitizers=no])
	AS_CASE([$enable_sanitizers],
		[no], [l3vm_sanitizers=none],
		[yes], [l3vm_sanitizers=address,undefined],
		[l3vm_sanitizers=$enable_sanitizers])
	AS_IF([test "$l3vm_sanitizers" != none], [
		L3VM_SAN_CFLAGS="-fsanitize=$l3vm_sanitizers -fno-omit-frame-pointer"
		L3VM_SAN_CFLAGS="$L3VM_SAN_CFLAGS -fno-sanitize-recover=all"
		L3VM_SAN_CFLAGS="$L3VM_SAN_CFLAGS -DL3VM_SANITIZERS"
		AC_MSG_CHECKING([whether $CC can link with $L3VM_SAN_CFLAGS])
		l3vm_saved=$CFLAGS
		CFLAGS="$CFLAGS $L3VM_SAN_CFLAGS"
		AC_LINK_IFELSE([AC_LANG_SOURCE([int main(void) { return 0; }])],
			[AC_MSG_RESULT([yes])],
			[AC_MSG_RESULT([no])
			AC_MSG_ERROR([the sanitizer run-time is missing (for clang
			on Debian: apt-get install libclang-rt-dev)])])
		CFLAGS=$l3vm_saved
	])
	AC_SUBST([L3VM_SAN_CFLAGS])
])

AC_DEFUN([L3VM_GCOV], [
	AC_ARG_ENABLE([gcov],
		[AS_HELP_STRING([--enable-gcov], [build for coverage measurement])],
		[], [enable_gcov=no])
	l3vm_gcov=$enable_gcov
	AS_IF([test "$enable_gcov" != no], [L3VM_GCOV_CFLAGS='--coverage -O0'])
	AC_SUBST([L3VM_GCOV_CFLAGS])
])

# The programs run as root and read what tenants wrote. The sanitizers bring
# their own checks and dislike these.
AC_DEFUN([L3VM_HARDENING], [
	AS_IF([test "$l3vm_sanitizers" = none], [
		L3VM_TRY_FLAGS([L3VM_HARDEN_CFLAGS], [m4_normalize([
			-fstack-protector-strong -fstack-clash-protection])])
		L3VM_TRY_FLAGS([L3VM_HARDEN_LDFLAGS],
			[-Wl,-z,relro -Wl,-z,now -Wl,-z,noexecstack], [link])
	])
	L3VM_TRY_FLAGS([L3VM_HARDEN_LDFLAGS], [-Wl,--as-needed], [link])
	AC_SUBST([L3VM_HARDEN_CFLAGS])
	AC_SUBST([L3VM_HARDEN_LDFLAGS])
])
