/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The few types of Windows that KMCL's functions are declared with, as what
 * they are here.
 */
#ifndef _WINDOWS_NTDEF_H
#define _WINDOWS_NTDEF_H

#include <linux/kmcl.h>
#include <linux/types.h>
#include <linux/uuid.h>

#include "ntstatus.h"

#ifndef VOID
#define VOID void
#endif
#ifndef TRUE
#define TRUE	1
#define FALSE	0
#endif

/* Annotations, for Microsoft's analyser alone */
#define _In_
#define _In_opt_
#define _Out_
#define _Out_opt_
#define _Inout_
#define _In_reads_bytes_(size)
#define _Out_writes_bytes_(size)
#define _Use_decl_annotations_
#define _Function_class_(name)
#define _IRQL_requires_(level)
#define _IRQL_requires_max_(level)

#define UNREFERENCED_PARAMETER(parameter)	((void)(parameter))

typedef void *PVOID;
typedef void *HANDLE;
typedef HANDLE *PHANDLE;
typedef u8 BOOLEAN;
typedef u8 UINT8;
typedef u16 UINT16;
typedef u32 UINT32;
typedef u64 UINT64;
typedef UINT16 *PUINT16;
typedef UINT32 *PUINT32;
typedef UINT64 *PUINT64;
typedef u16 USHORT;
typedef s32 LONG;
typedef u32 ULONG;
typedef ULONG *PULONG;
typedef s64 LONGLONG;
typedef unsigned long PFN_NUMBER;
typedef PFN_NUMBER *PPFN_NUMBER;

typedef guid_t GUID;
typedef GUID *LPGUID;
typedef const GUID *LPCGUID;

/* L"" is of this type: the kernel is built with short wchar_t. */
typedef u16 WCHAR;
typedef WCHAR *PWCH;

typedef union {
	struct {
		ULONG LowPart;
		LONG HighPart;
	};
	LONGLONG QuadPart;
} LARGE_INTEGER;
typedef LARGE_INTEGER *PLARGE_INTEGER;

/* Lengths are in bytes; no terminating null is needed. */
typedef struct {
	USHORT Length;
	USHORT MaximumLength;
	PWCH Buffer;
} UNICODE_STRING;
typedef UNICODE_STRING *PUNICODE_STRING;
typedef const UNICODE_STRING *PCUNICODE_STRING;

#define RTL_CONSTANT_STRING(s) \
	{ .Length = sizeof(s) - sizeof((s)[0]), .MaximumLength = sizeof(s), .Buffer = (PWCH)(s) }
#define DECLARE_CONST_UNICODE_STRING(name, s) \
	const UNICODE_STRING name = RTL_CONSTANT_STRING(s)

typedef struct device *PDEVICE_OBJECT;
typedef struct device *WDFDEVICE;

/* Memory described, not copied: bio_vecs, where Windows has page frame numbers */
typedef struct vmb_mdl MDL;
typedef MDL *PMDL;

typedef VOID INTERFACE_REFERENCE(PVOID Context);
typedef INTERFACE_REFERENCE *PINTERFACE_REFERENCE;
typedef VOID INTERFACE_DEREFERENCE(PVOID Context);
typedef INTERFACE_DEREFERENCE *PINTERFACE_DEREFERENCE;

typedef struct {
	USHORT Size;
	USHORT Version;
	PVOID Context;
	PINTERFACE_REFERENCE InterfaceReference;
	PINTERFACE_DEREFERENCE InterfaceDereference;
} INTERFACE;
typedef INTERFACE *PINTERFACE;

#endif /* _WINDOWS_NTDEF_H */
