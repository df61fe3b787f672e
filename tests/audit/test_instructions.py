"""Which lines of LLVM IR and assembly compute with floats."""

import pytest

from intflow.audit.instructions import arm_kind, assembly_floats, ir_floats, mnemonic_of, x86_kind


@pytest.mark.parametrize("line", [
    "%y = fadd double %x, 1.0", "%y = sitofp i64 %x to double", "%y = fptosi float %x to i32",
    "%y = load float, ptr %p, align 4", "store double %x, ptr %p", "%c = fcmp olt float %x, %y",
    "%y = tail call double @sqrt(double %x)", "%y = bitcast i64 %x to double",
    "%y = phi <4 x float> [ %a, %b ]", "%y = fneg half %x", "%y = fmul fast <8 x bfloat> %x, %z",
    "%o = call ptr @PyFloat_FromDouble(i64 %x)", "%y = alloca { i64, double }",
])
def test_floats_of_ir(line):
    count, found = ir_floats("define i64 @f(i64 %x) {\n  " + line + "\n  ret i64 0\n}\n")
    assert count == 2 and found == [line]


@pytest.mark.parametrize("line", [
    "%y = add nsw i64 %x, 1", '%y = call i64 @"f_float64"(i64 %x)', "; a double comment",
    "%y = load <8 x i16>, ptr %p, align 1, !tbaa !5", "%y = sdiv i32 %x, 3",
    '%y = call i32 asm "vaddps", ""(i32 %x)',
])
def test_integers_of_ir(line):
    assert ir_floats("define i64 @f(i64 %x) {\n  " + line + "\n}\n")[1] == []


def test_only_what_a_function_does_counts():
    text = 'declare double @sqrt(double)\n@s = constant [5 x i8] c"float"\n!0 = !{!"double"}\n'
    assert ir_floats(text) == (0, [])
    assert ir_floats("define double @f(i64 %x) {\n  ret i64 1\n}\n")[1] == [
        "define double @f(i64 %x) {"]


@pytest.mark.parametrize("kind, names", [
    ("float", "addss vaddpd vmulps vdivsd sqrtsd vminps vcmpltps ucomisd cvtsi2sdq vcvttps2dq "
              "vfmadd231ps vrndscaleps vaddph vdpbf16ps vcvtne2ps2bf16 fldl fstpl fadd fildll "
              "vrcp14ps vreducepd vgetmantps vscalefps haddps vroundsd tdpbf16ps dppd"),
    ("move", "movaps vmovups movsd movss vxorps vandpd shufps vunpcklps vblendps vbroadcastss "
             "vpermilps vpermt2ps vinsertps vextractps vmovddup vgatherdps movmskpd vandnps"),
    ("integer", "addl vpaddd vpabsd vpdpbusd vpdpbssd vpsubsb tdpbssd vpackssdw movl cqto imulq "
                "vmovdqu vpermq vpmaddubsw sarxl vzeroupper prefetchw vphminposuw vinserti128 cmovsq "
                "movslq sets vpmulld vextractf128 lahf jns"),
])
def test_x86(kind, names):
    assert {name: x86_kind(name) for name in names.split()} == dict.fromkeys(names.split(), kind)


@pytest.mark.parametrize("kind, names", [
    ("float", "fadd fmul fdiv fcvtzs scvtf ucvtf fmadd fcmp bfdot bfmmla fsqrt frintn vadd.f32"),
    ("move", "fmov"),
    ("integer", "add sdot smmla udot bfi bfxil mul smlal sqrdmulh ldr str ld1 sshr addv saddlv"),
])
def test_arm(kind, names):
    assert {name: arm_kind(name) for name in names.split()} == dict.fromkeys(names.split(), kind)


def test_assembly_is_counted():
    text = "\t.text\nf:\n\tpushq\t%rbp\n.L1:\n\tvmovups\t(%rdi), %ymm0\n\tlock\tincq\t(%rax)\n" \
           "\tvaddps\t%ymm0, %ymm0, %ymm1\n\t# addss comment\n\tretq\n"
    assert assembly_floats(text, "x86_64") == (5, 1, ["vaddps\t%ymm0, %ymm0, %ymm1"])


@pytest.mark.parametrize("line, name", [
    ("\tlock\taddl $1, (%rax)", "addl"), ("label:", None), ("\t.p2align 4", None), ("", None),
    ("\trep\tstosq", "stosq"), ("  // comment", None)])
def test_mnemonics(line, name):
    assert mnemonic_of(line) == name
